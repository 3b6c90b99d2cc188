"""Implied volatility of a European call in Heston's model by QuantLib: its Fourier price, and its inversion of Black's formula.

QuantLib counts time in whole days, so the clock is scaled: a model whose rates and variances are multiplied by tau has the same
price after one year.
"""

import QuantLib as ql

TODAY, DAYS = ql.Date(1, 1, 2026), ql.Actual365Fixed()


def volatility(rho, kappa, gamma, theta, v0, m, tau, r):
    """Of one call with strike 1."""
    ql.Settings.instance().evaluationDate = TODAY
    rates, yields = (
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAYS)) for rate in (float(r * tau), 0.0)
    )
    spot = ql.QuoteHandle(ql.SimpleQuote(float(m)))
    numbers = [float(number) for number in (v0 * tau, kappa * tau, theta * tau, gamma * tau, rho)]
    process = ql.HestonProcess(rates, yields, spot, *numbers)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, 1.0), ql.EuropeanExercise(TODAY + 365))
    option.setPricingEngine(ql.AnalyticHestonEngine(ql.HestonModel(process), 1e-12, 100_000))
    discount = rates.discount(TODAY + 365)
    deviation = ql.blackFormulaImpliedStdDev(
        ql.Option.Call, 1.0, float(m) / discount, option.NPV(), discount, 0.0, 0.3, 1e-12, 200
    )
    return deviation / float(tau) ** 0.5
