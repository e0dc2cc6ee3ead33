"""Power losses without number: at each point of a life, and in the lives that take up what was left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from fsmflow.engines.workflows import Workflow
from tests.engines.disk.disk import MODES, Disk, Image, Mark, Mode, Recording
from tests.engines.disk.lives import live, put
from tests.engines.disk.oracle import Lost, Owed
from tests.engines.disk.order import FILE, Requested, Seen
from tests.engines.disk.vfs import Sqlite
from tests.engines.disk.watched import REAL, Engine, Kept

DEEPEST = 8
"""How often power is lost in one run, at most."""

PRAGMAS = ((), (), ("wal_autocheckpoint=3",), ("wal_autocheckpoint=17",))
"""How a recorded life moves its log to the database: as always, near its end; or again and again."""


@define
class Campaign:
    """Power losses, and what came of them.

    Attributes:
        workflow: The workflow of each run.
        folder: Where the real databases are.
        engine: What carries runs out.
        chance: What is left to chance.
        losses: How often power was lost.
        seen: How often each thing was seen: what came of a run, and what became of what was not synced.
    """

    workflow: Workflow
    folder: Path
    engine: Engine = REAL
    chance: random.Random = field(factory=lambda: random.Random(0))
    losses: int = 0
    seen: Counter[str] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        for name in ("real", "simulated"):
            (self.folder / name).mkdir(exist_ok=True)

    def each_point(self, every: int = 1, pragmas: tuple[str, ...] = ()) -> None:
        """Lose power at each point of a life, in each way.

        Raises:
            Lost: Something was lost.
        """
        recording, owed = self._record({}, Owed(), pragmas)
        for disk in recording.unplugged():
            if disk.point % every == 0:
                for mode in MODES:
                    after = owed.lose_power(recording.marks(disk.point))
                    self._last(disk.after(mode, self.chance), after, mode)

    def series(self, width: int = 12) -> None:
        """Lose power at random points, again while what was left is taken up, and again.

        Raises:
            Lost: Something was lost.
        """
        self._branch({}, Owed(), width)

    def _branch(self, image: Image, owed: Owed, width: int) -> None:
        """Record a life, and lose power in it so many times, each time as if it were the only one."""
        recording, owed = self._record(image, owed, self.chance.choice(PRAGMAS))
        points = sorted(self._points(recording, width))
        deeper = self.chance.choice(points[: width // 2]) if owed.losses + 1 < DEEPEST else -1
        for disk in recording.unplugged():
            for _ in range(points.count(disk.point)):
                mode = self.chance.choice(MODES)
                left = disk.after(mode, self.chance)
                after = owed.lose_power(recording.marks(disk.point))
                if disk.point == deeper:
                    deeper = -1
                    self._count(after, mode)
                    self._branch(left, after, width)
                else:
                    self._last(left, after, mode)

    def _points(self, recording: Recording, width: int) -> list[int]:
        """Pick points: half of them while an effect is under way, where more is at stake."""
        log = recording.log
        under_way = [
            point
            for at, each in enumerate(log)
            if isinstance(each, Mark) and isinstance(each.what, Requested)
            for point in range(at + 1, min(at + 9, len(log) + 1))
        ]
        picked = self.chance.choices(range(len(log) + 1), k=width)
        return [self.chance.choice(under_way) if under_way and n % 2 else at for n, at in enumerate(picked)]

    def _record(self, image: Image, owed: Owed, pragmas: tuple[str, ...]) -> tuple[Recording, Owed]:
        """Live a life on a simulated disk; give what was done to it, and what was owed when it began."""
        disk, owed = Disk(image), owed.copy()
        begun = [owed.copy()]

        def look(kept: Kept) -> None:
            owed.look(kept)
            begun[0] = owed.copy()

        def tell(seen: Seen) -> None:
            disk.log.append(Mark(seen))
            owed.see(seen)

        path = self.folder / "simulated" / FILE
        with self._told(owed):
            sqlite = Sqlite(disk, pragmas)
            over = live(self.workflow, path, tell, engine=self.engine, sqlite=sqlite, look=look)
            self.seen[owed.close(over)] += 1
        return Recording(image, tuple(disk.log)), begun[0]

    def _last(self, image: Image, owed: Owed, mode: Mode) -> None:
        """Take up what is left, with the real SQLite on a real file, in a life without a power loss."""
        self._count(owed, mode)
        path = put(image, self.folder / "real")
        if mode == "garbage":
            # Whatever is left of the shared memory, which nobody syncs, is made anew.
            (path.parent / f"{FILE}-shm").write_bytes(self.chance.randbytes(32_768))
        with self._told(owed):
            over = live(self.workflow, path, owed.see, engine=self.engine, look=owed.look)
            self.seen[owed.close(over)] += 1

    def _count(self, owed: Owed, mode: Mode) -> None:
        self.losses += 1
        self.seen[mode] += 1
        self.seen[f"loss {owed.losses} of its run"] += 1

    @contextmanager
    def _told(self, owed: Owed) -> Iterator[None]:
        """Say of whatever goes wrong after which power loss it does."""
        try:
            yield
        except Exception as error:
            where = f"power loss {self.losses:,}, the {owed.losses}. of its run"
            raise Lost(f"{where}: {type(error).__name__}: {error}") from error
