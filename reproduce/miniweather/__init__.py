"""miniWeather: a dry, stratified, compressible flow in two dimensions, as published, and networks that stand in for it.

The equations, the discretisation, the five cases and the two checks are those of

    M. R. Norman, miniWeather, https://github.com/mrnorman/miniWeather (documentation and README).

They are written again here from that description; no line of its code is used.
"""
