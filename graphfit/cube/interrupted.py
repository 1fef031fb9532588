"""FitInterrupted: Ctrl-C, with what was found before."""

from typing import Any, final


@final
class FitInterrupted(KeyboardInterrupt):
    """A run over a cube was interrupted; nothing that was finished is lost.

    No Exception, as Ctrl-C is none: ``except Exception`` lets it through.

    Attributes
    ----------
    result : CubeResult
        The maps; pixels that were not reached have the status NOT_REACHED.
    """

    def __init__(self, result: Any, store: Any) -> None:
        self.result = result
        counts = result.counts()
        left = counts.get("not_reached", 0)
        where = (
            f"they are safe in {store}: the same call goes on from there."
            if store is not None
            else "they are in the result attribute of this error; with store= a run goes on "
            "where it was interrupted."
        )
        total = sum(counts.values())
        super().__init__(
            f"Interrupted with {total - left} of {total} pixels done; {where}"
        )
