"""Conversations whose history holds the model's own answers: each turn is asked when the one before is answered.

A turn is a request of its own. It is meant to be sent when its user is through with thinking about the answer before; a
turn that is lost ends its conversation, and what was not asked for that reason is counted, never hidden. A history is
kept while its conversation lives, and no longer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.turns import conversation_of, turn_id, turn_of
from elastometer_loadgen.drive.timers import Alarm, Alarms
from elastometer_loadgen.drive.users import FIRST_CLOSED_ID, thought
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.prompts import Prompt, PromptSource
from elastometer_loadgen.plan.schedule import Arrival, Schedule
from elastometer_loadgen.wire.exchange import Exchange


class Conversations:
    """One worker's conversations. `ask` is told of each further turn as it is due."""

    def __init__(
        self, seed: int, prompts: PromptSource, ask: Callable[[Arrival, Prompt, float], None], alarms: Alarms
    ) -> None:
        self._seed = seed
        self._prompts = prompts
        self._ask = ask
        self._alarms = alarms
        self._waiting: dict[int, Alarm] = {}
        self._stopped = False
        self.unsent_turns = 0
        """Turns that were not asked since one before them was lost."""
        self.cut = 0
        """Conversations that did not go on since the worker was stopped."""

    @property
    def waiting(self) -> int:
        """Turns that are still being thought about."""
        return len(self._waiting)

    def ended(self, exchange: Exchange) -> bool:
        """A request is over; True where its conversation goes on."""
        left = len(exchange.prompt.further) + 1 - turn_of(exchange.arrival.id)
        if not left:
            return False
        text = exchange.answer.text
        if exchange.outcome is not Outcome.SUCCESS or exchange.end_at is None:
            self.unsent_turns += left
        elif text is None:
            self.unsent_turns += left
            note(f"request {exchange.arrival.id}: its answer is too long to be kept, and ends its conversation")
        elif self._stopped:
            self.cut += 1
        else:
            self._go_on(exchange, exchange.end_at, text)
            return True
        return False

    def stop(self) -> None:
        """No further turn is asked."""
        self._stopped = True
        self.cut += len(self._waiting)
        for alarm in self._waiting.values():
            alarm.cancel()
        self._waiting.clear()

    def _go_on(self, exchange: Exchange, answered_at: float, answer: str) -> None:
        before = exchange.arrival
        number = turn_id(conversation_of(before.id), turn_of(before.id) + 1)
        think = exchange.prompt.think
        wanted = answered_at + thought(float(think.low), float(think.high - think.low), self._seed, number)
        arrival = Arrival(number, before.at + wanted - exchange.intended_at, before.stage)
        prompt = self._prompts.turn(number, exchange.prompt, answer)
        self._waiting[number] = self._alarms.call_at(wanted, self._send, arrival, prompt, wanted)

    def _send(self, arrival: Arrival, prompt: Prompt, wanted: float) -> None:
        del self._waiting[arrival.id]
        self._ask(arrival, prompt, wanted)


@dataclass(frozen=True, slots=True)
class Before:
    """What is left of conversations of an earlier life: turns of those that it cut, and of those with a lost turn."""

    cut: int
    skipped_turns: int
    unsent_turns: int


def left_before(conversations: Mapping[int, tuple[int, bool]], turns: Callable[[int], int]) -> Before:
    """`conversations` has the last recorded turn of each, and whether that was answered.

    Nobody has kept their answers, so those that were cut do not go on.
    """
    left = {number: (turns(number) - turn, answered) for number, (turn, answered) in conversations.items()}
    cut = [count for count, answered in left.values() if answered and count]
    return Before(len(cut), sum(cut), sum(count for count, answered in left.values() if not answered))


def planned_requests(schedule: Schedule, prompts: PromptSource, place: tuple[int, int], spool: Spool) -> int:
    """What a worker accounts for as it starts: its arrivals and the asks of an earlier life, with all their turns."""
    worker, workers = place
    count = len(range(worker, len(schedule), workers))
    if not prompts.has_conversations:
        return count + sum(number >= FIRST_CLOSED_ID for number in spool.ids)
    share = schedule.share(worker, workers)
    further = sum(prompts.turns(arrival.id) - 1 for arrival in share if arrival.size is None)
    asked = [number for number in spool.ids if number >= FIRST_CLOSED_ID and turn_of(number) == 1]
    further += sum(prompts.turns(number) - 1 for number in asked if number in spool.conversations)
    return count + len(asked) + further
