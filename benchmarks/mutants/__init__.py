"""A sample of small faults planted in every room of the code: which of them do the tests see?"""
