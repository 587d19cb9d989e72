"""The sweep, as Temporal's clock calls for it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.sweep import SweepActivities, Swept
    from workflows import options


@workflow.defn
class SweepWorkflow:
    """Look once for what was left behind; a Schedule starts it again and again."""

    @workflow.run
    async def run(self) -> Swept:
        return await workflow.execute_activity_method(SweepActivities.sweep, **options.SWEEP)
