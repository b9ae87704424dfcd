"""Figures of "A Closer Look at Memorization in Deep Networks" (Arpit et al., ICML 2017), and what theory adds."""
