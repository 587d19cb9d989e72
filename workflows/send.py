"""One send, from planned to its outcome."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from domain.delivery import LEAST_WAIT
    from domain.sends import Answer, Ask, Decided, DueChanged, Next, Outcome, SendInput, SendStatus, Stop
    from workflows import options

DUE_AT = SearchAttributeKey.for_datetime("RelanceDueAt")


@workflow.defn
class SendWorkflow:
    """Sleep on a durable timer until due, then deliver one mail, once.

    Signals move the due time or say that the row is final; the highest version wins, whatever the order. The row
    is asked again before anything happens, so a signal that never came changes nothing.
    """

    @workflow.init
    def __init__(self, input: SendInput) -> None:
        self.input = input
        self.version = input.version  # the highest seen
        self.due_at = input.due_at
        self.shown_due_at = input.due_at  # as the search attribute says
        self.wake_at = input.wake_at or input.due_at  # when to ask the row next
        self.ask_now = False
        self.held = False  # in doubt: somebody decides
        self.outcome: Outcome | None = None  # not yet recorded: the second witness

    @workflow.run
    async def run(self, input: SendInput) -> str:
        while True:
            await self._sleep()
            heard = self.version
            answer = await self._act()
            if answer.outcome is not None:
                answer = await self._record(answer.outcome)
            if self.version > max(heard, answer.version):
                continue  # a newer signal came while the row was asked
            if answer.next is Next.END:
                return answer.status
            self._follow(answer)

    @workflow.signal
    def due_changed(self, change: DueChanged) -> None:
        if change.version > self.version:
            self.version, self.due_at, self.wake_at = change.version, change.due_at, change.due_at
            self.ask_now = False

    @workflow.signal
    def stop(self, stop: Stop) -> None:
        if stop.version > self.version:
            self.version, self.ask_now = stop.version, True

    @workflow.signal
    def decided(self, decided: Decided) -> None:
        if decided.version > self.version:
            self.version, self.ask_now = decided.version, True

    @workflow.signal
    def look(self) -> None:
        self.ask_now = True

    @workflow.query
    def status(self) -> SendStatus:
        return SendStatus(self.due_at, self.wake_at, self.version, self.outcome)

    async def _sleep(self) -> None:
        """Return when it is time to ask the row; the timer is replaced only when that time changed."""
        self._show_due_time()
        while not self.ask_now and workflow.now() < self.wake_at:
            await self._sleep_until(self.wake_at)
            self._show_due_time()

    async def _sleep_until(self, wake_at: datetime) -> None:
        """Return at `wake_at`, or as soon as a signal says otherwise."""
        with suppress(TimeoutError):  # the timer fired
            await workflow.wait_condition(
                lambda: self.ask_now or self.wake_at != wake_at,
                timeout=wake_at - workflow.now(),
                timeout_summary=f"{self.input.rule} · {self.input.session} · due {self.due_at:%Y-%m-%d %H:%M} UTC",
            )

    def _show_due_time(self) -> None:
        if self.input.shows_due_at and self.due_at != self.shown_due_at:
            workflow.upsert_search_attributes([DUE_AT.value_set(self.due_at)])
            self.shown_due_at = self.due_at

    async def _act(self) -> Answer:
        """Deliver what is due, whose claim asks the row; look first where something else may have woken us."""
        if not (self.input.looks_first or self.ask_now or self.held):
            return await self._deliver(self.version)
        answer = await self._look()
        return await self._deliver(answer.version) if answer.next is Next.DELIVER else answer

    async def _look(self) -> Answer:
        self.ask_now = False
        return await workflow.execute_local_activity_method(
            DeliveryActivities.look, Ask(self.input.send, self.version), **options.LOOK
        )

    async def _deliver(self, version: int) -> Answer:
        return await workflow.execute_activity_method(
            DeliveryActivities.deliver, Ask(self.input.send, version), **options.DELIVER
        )

    async def _record(self, outcome: Outcome) -> Answer:
        self.outcome = outcome
        answer = await workflow.execute_activity_method(DeliveryActivities.record, outcome, **options.RECORD)
        self.outcome = None
        return answer

    def _follow(self, answer: Answer) -> None:
        """Adopt what the row says, also when it is older than we are (a restored database); ask when it says."""
        self.version = answer.version
        self.due_at = answer.due_at or self.due_at
        self.held = answer.next is Next.HOLD
        wait = max(timedelta(seconds=answer.wait_seconds), LEAST_WAIT)
        self.wake_at = workflow.now() + wait
        if workflow.info().is_continue_as_new_suggested() and not self.ask_now:
            workflow.continue_as_new(
                replace(self.input, due_at=self.due_at, version=self.version, wake_at=self.wake_at)
            )
