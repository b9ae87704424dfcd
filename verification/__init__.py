"""Ground floor: claims, the evidence that tests gather about them, verdicts, and the ledger that a run ends with."""

from verification.evidence import Claim, ClaimRefuted, Evidence
from verification.plugin import ALPHA_BUDGET, claim

__all__ = ["ALPHA_BUDGET", "Claim", "ClaimRefuted", "Evidence", "claim"]
