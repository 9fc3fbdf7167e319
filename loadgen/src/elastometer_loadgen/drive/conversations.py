"""Conversations whose history holds the model's own answers: each turn is sent after the previous one was answered.

A turn is a request of its own. It is due when its user has finished thinking about the previous answer. A lost turn
ends its conversation, and the turns that were not sent for that reason are counted, never hidden. A history is kept as
long as its conversation lasts, and no longer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.turns import conversation_of, turn_id, turn_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, think_seconds
from elastometer_loadgen.drive.timers import ScheduledCall, Timers
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.prompts import Prompt, PromptSource
from elastometer_loadgen.plan.schedule import Arrival, Schedule
from elastometer_loadgen.wire.exchange import Exchange


class Conversations:
    """One worker's conversations. `send` is called with each further turn when it is due."""

    def __init__(
        self, seed: int, prompts: PromptSource, send: Callable[[Arrival, Prompt, float], None], timers: Timers
    ) -> None:
        self._seed = seed
        self._prompts = prompts
        self._send = send
        self._timers = timers
        self._waiting: dict[int, ScheduledCall] = {}
        self._stopped = False
        self.unsent_turns = 0
        """Turns that were not sent because one before them was lost."""
        self.cut = 0
        """Conversations that did not continue because the worker was stopped."""

    @property
    def waiting(self) -> int:
        """Turns whose user is still thinking."""
        return len(self._waiting)

    def ended(self, exchange: Exchange) -> bool:
        """A request is over; True where its conversation continues."""
        left = len(exchange.prompt.further) + 1 - turn_of(exchange.arrival.id)
        if not left:
            return False
        text = exchange.answer.text
        if exchange.outcome is not Outcome.SUCCESS or exchange.end_at is None:
            self.unsent_turns += left
        elif text is None:
            self.unsent_turns += left
            note(f"request {exchange.arrival.id}: the answer is too long to be kept, so its conversation ends")
        elif self._stopped:
            self.cut += 1
        else:
            self._continue(exchange, exchange.end_at, text)
            return True
        return False

    def stop(self) -> None:
        """No further turn is sent."""
        self._stopped = True
        self.cut += len(self._waiting)
        for call in self._waiting.values():
            call.cancel()
        self._waiting.clear()

    def _continue(self, exchange: Exchange, answered_at: float, answer: str) -> None:
        before = exchange.arrival
        number = turn_id(conversation_of(before.id), turn_of(before.id) + 1)
        think = exchange.prompt.think
        wanted = answered_at + think_seconds(float(think.low), float(think.high - think.low), self._seed, number)
        # The instant in the schedule moves by as much as the intended one, so both keep the same origin.
        arrival = Arrival(number, before.at + wanted - exchange.intended_at, before.stage)
        prompt = self._prompts.turn(number, exchange.prompt, answer)
        self._waiting[number] = self._timers.call_at(wanted, self._send_turn, arrival, prompt, wanted)

    def _send_turn(self, arrival: Arrival, prompt: Prompt, wanted: float) -> None:
        del self._waiting[arrival.id]
        self._send(arrival, prompt, wanted)


@dataclass(frozen=True, slots=True)
class UnfinishedConversations:
    """What an earlier incarnation left of its conversations.

    `cut` conversations ended with the process and miss `skipped_turns`; others had a lost turn and miss `unsent_turns`.
    """

    cut: int
    skipped_turns: int
    unsent_turns: int


def unfinished_conversations(
    conversations: Mapping[int, tuple[int, bool]], turns: Callable[[int], int]
) -> UnfinishedConversations:
    """`conversations` maps each to its last recorded turn, and to whether that turn was answered.

    Answers are not part of the records, so conversations that were cut cannot continue.
    """
    left = {number: (turns(number) - turn, answered) for number, (turn, answered) in conversations.items()}
    cut = [count for count, answered in left.values() if answered and count]
    unsent = sum(count for count, answered in left.values() if not answered)
    return UnfinishedConversations(len(cut), sum(cut), unsent)


def planned_requests(schedule: Schedule, prompts: PromptSource, place: tuple[int, int], spool: Spool) -> int:
    """What a worker accounts for at its start: its arrivals and what an earlier incarnation's users started, with all
    turns."""
    worker, workers = place
    count = len(range(worker, len(schedule), workers))
    if not prompts.has_conversations:
        return count + sum(number >= FIRST_CLOSED_ID for number in spool.ids)
    share = schedule.share(worker, workers)
    # An arrival with a size takes its prompt from its stage and is never a conversation.
    further = sum(prompts.turns(arrival.id) - 1 for arrival in share if arrival.size is None)
    started = [number for number in spool.ids if number >= FIRST_CLOSED_ID and turn_of(number) == 1]
    further += sum(prompts.turns(number) - 1 for number in started if number in spool.conversations)
    return count + len(started) + further
