"""How much of a product of cases a run asks: a quick one a share, so that neighbours cover them; the deep one all."""

from dataclasses import dataclass

import pytest

__all__ = ["Turns", "shared"]


def shared(quick: int) -> pytest.MarkDecorator:
    """Return the mark that gives a test its `share`: every `quick`-th case, and in the deep run every one."""
    return pytest.mark.parametrize("share", [quick, pytest.param(1, marks=pytest.mark.deep)])


@dataclass
class Turns:
    """Takes every `share`-th case, always the same ones."""

    share: int
    taken: int = 0

    def chosen(self) -> bool:
        """Tell whether the next case is asked."""
        self.taken += 1
        return self.taken % self.share == 0
