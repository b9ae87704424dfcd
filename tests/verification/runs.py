"""A file of tests with one claim of every verdict, and what its ledger says of a claim."""

EVERY_VERDICT = """
    import pytest
    from hypothesis import given, strategies as st
    from verification import ClaimRefuted, claim

    VERIFIED = claim("V.both", "halves <script>alert('&')</script> are [red]small[/red]", source="Théorème 1")
    CAUGHT = claim("R.caught", "a swallowed refutation counts", source="ours")
    REFUTED = claim("R.shrunk", "every integer is below seven", source="ours")
    CRASHED = claim("E.crash", "never reached", source="ours")
    VACUOUS = claim("E.vacuous", "never checked", source="ours")
    UNDECIDED = claim("U.order", "deeper is closer", source="Figure 3")
    SKIPPED = claim("N.skip", "needs a GPU", source="ours")

    @VERIFIED
    @given(x=st.floats(0, 1))
    def test_property(x, ledger):
        ledger.note("float64")
        ledger.agree(x / 2, 1.0, what="weights", x=x)
        ledger.holds(x <= 1)

    @VERIFIED
    @pytest.mark.parametrize("digit", [1, 2])
    def test_digits(ledger, digit):
        ledger.note("float64")
        ledger.agree(0.3 * digit, 1, what="digit", digit=digit)

    @VERIFIED
    @pytest.mark.skip
    def test_not_today(ledger):
        pass

    @CAUGHT
    def test_swallowed(ledger):
        with pytest.raises(ClaimRefuted):
            ledger.agree(2, 1)

    @REFUTED
    @given(n=st.integers(0, 100))
    def test_below_seven(n, ledger):
        ledger.agree(n, 6, path="/home/someone/private.npy")

    @CRASHED
    def test_crash(ledger):
        ledger.agree(0, 1)
        raise OSError("/home/someone/private.npy")

    @VACUOUS
    def test_nothing(ledger):
        pass

    @UNDECIDED
    def test_order(ledger):
        ledger.order(1e-20, 1, alpha=1e-11, depth=2)
        ledger.order(0.2, 0.8, alpha=1e-11, smallest_detectable="0.03 with 200 networks", depth=3)

    @SKIPPED
    @pytest.mark.skip
    def test_gpu(ledger):
        pass

    def test_no_claim():
        pass
"""


def of(ledger):
    return {entry["id"]: entry for entry in ledger["claims"]}
