"""Where the fingerprint lines go: to standard output for people, and into a file beside the records for the bundle."""

from pathlib import Path

from elastometer_loadgen.checks.fingerprint import FingerprintLines, FingerprintRule
from elastometer_loadgen.gauges.progress import OutputLines
from elastometer_loadgen.journal.fingerprint_file import FingerprintFile


class LinesWritten:
    """The lines of one worker; nothing, and no file, where its profile asks for none."""

    def __init__(self, rule: FingerprintRule, directory: Path) -> None:
        """Raises OSError."""
        self._output = OutputLines()
        self.file = None if rule.lines is FingerprintLines.NONE else FingerprintFile(directory)

    def write(self, number: int, line: str) -> None:
        """Prints the line of a request, and takes it for the file."""
        self._output.write(line)
        if self.file is not None:
            self.file.add(number, line)

    def flush(self) -> None:
        """Brings to the file what was taken for it; raises OSError."""
        if self.file is not None:
            self.file.flush()

    def close(self) -> None:
        """Makes the file durable."""
        if self.file is not None:
            self.file.close()

    @property
    def left_out(self) -> int:
        """How many lines the file had no room for."""
        return 0 if self.file is None else self.file.left_out
