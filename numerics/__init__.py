"""Ground floor: linear algebra on arrays. It knows nothing of networks or papers."""

from numerics.generic_rank import generic_patch_rank
from numerics.many_ranks import PatchRanks, patch_ranks
from numerics.momentum import momentum_response
from numerics.patches import patch_gram, patch_matrix
from numerics.quadratic_form import GaussianQuadraticForm
from numerics.rank import PatchRank, patch_rank
from numerics.rank_certificate import SupportCertificate, support_certificate
from numerics.row_space import RowSpace, UndecidedRankError, row_space
from numerics.window import Window, WindowSettings

__all__ = [
    "GaussianQuadraticForm",
    "PatchRank",
    "PatchRanks",
    "RowSpace",
    "SupportCertificate",
    "UndecidedRankError",
    "Window",
    "WindowSettings",
    "generic_patch_rank",
    "momentum_response",
    "patch_gram",
    "patch_matrix",
    "patch_rank",
    "patch_ranks",
    "row_space",
    "support_certificate",
]
