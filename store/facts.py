"""Fragments of statements about `sends s`: the facts it was planned from, and whether the plan has caught up with them."""

FACTS = """
    sessions session, rules r, participations p
    where session.id = s.session_id and r.id = s.rule_id and p.id = s.participation_id
"""

CLEAN = """
    session.version = session.planned_version and r.version = r.planned_version and r.active
    and r.deleted_at is null and p.version = p.planned_version
"""

# A sum tells claim and fence that nothing changed between them, since versions only grow. What planning never reads
# counts too: whoever has just answered is not asked to.
FACTS_VERSION = "session.version + session.read_version + r.version + p.version + p.read_version"
