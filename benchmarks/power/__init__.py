"""Does the power table of an audit tell the true detection rate?"""
