"""Vapour pressure over water in hPa at t degrees Celsius: Bolton, and Goff and Gratch (1965), as in the same file."""

import jax.numpy as jnp
import mpmath


def model(x):
    return 6.112 * jnp.exp(17.67 * x[:, 0] / (243.5 + x[:, 0]))


def truth(x):
    kelvin = x[:, 0] + 273.16
    ratio = 273.16 / kelvin
    exponent = (
        10.79586 * (1 - ratio)
        - 5.02808 / jnp.log(10.0) * jnp.log(1 / ratio)
        + 1.50474e-4 * (1 - jnp.exp(-8.29692 * jnp.log(10.0) * (1 / ratio - 1)))
        + 0.42873e-3 * (jnp.exp(4.76955 * jnp.log(10.0) * (1 - ratio)) - 1)
        - 2.2195983
    )
    return 1013.250 * jnp.exp(jnp.log(10.0) * exponent)


def digits(x):
    with mpmath.workdps(40):
        number = mpmath.mpf
        kelvin, least = number(float(x)) + number("273.16"), number("273.16")
        exponent = (
            number("10.79586") * (1 - least / kelvin)
            - number("5.02808") * mpmath.log10(kelvin / least)
            + number("1.50474e-4") * (1 - 10 ** (-number("8.29692") * (kelvin / least - 1)))
            + number("0.42873e-3") * (10 ** (number("4.76955") * (1 - least / kelvin)) - 1)
            - number("2.2195983")
        )
        return float(number("1013.250") * 10**exponent)
