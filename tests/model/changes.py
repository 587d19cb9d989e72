"""What people change, in the world and in the house alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.model.house import House
from tests.model.world import World


class Change(Protocol):
    """One thing that somebody says."""

    @property
    def about(self) -> tuple[str | None, ...]:
        """What it is about: of two changes about the same the last word counts."""

    async def make(self, world: World, house: House) -> None:
        """Say it to both."""


@dataclass(frozen=True)
class PutSession:
    key: str
    said: Mapping[str, Any]

    @property
    def about(self) -> tuple[str | None, ...]:
        return "session", self.key

    async def make(self, world: World, house: House) -> None:
        world.put_session(self.key, dict(self.said))
        await house.put_session(self.key, self.said)


@dataclass(frozen=True)
class DeleteSession:
    key: str

    @property
    def about(self) -> tuple[str | None, ...]:
        return "session", self.key

    async def make(self, world: World, house: House) -> None:
        world.delete_session(self.key)
        await house.delete_session(self.key)


@dataclass(frozen=True)
class PutPerson:
    who: str
    zone: str | None

    @property
    def about(self) -> tuple[str | None, ...]:
        return "person", self.who

    async def make(self, world: World, house: House) -> None:
        world.put_person(self.who, self.zone)
        await house.put_person(self.who, self.zone)


@dataclass(frozen=True)
class Enrol:
    session: str
    role: str
    who: str
    said: Mapping[str, Any]

    @property
    def about(self) -> tuple[str | None, ...]:
        return "part", self.session, self.role, self.who

    async def make(self, world: World, house: House) -> None:
        done = world.enrol(self.session, self.role, self.who, dict(self.said))
        assert await house.enrol(self.session, self.role, self.who, self.said) == done


@dataclass(frozen=True)
class Leave:
    session: str
    role: str
    who: str

    @property
    def about(self) -> tuple[str | None, ...]:
        return "part", self.session, self.role, self.who

    async def make(self, world: World, house: House) -> None:
        world.leave(self.session, self.role, self.who)
        await house.leave(self.session, self.role, self.who)


@dataclass(frozen=True)
class PutRule:
    key: str
    says: Mapping[str, Any]
    template: str
    apply_to_existing: bool = False

    @property
    def about(self) -> tuple[str | None, ...]:
        return "rule", self.key

    async def make(self, world: World, house: House) -> None:
        before = world.find_rule(self.key)
        world.put_rule(self.key, dict(self.says), self.template, apply_to_existing=self.apply_to_existing)
        rule = world.find_rule(self.key)
        assert rule is not None
        await house.put_rule(
            rule.name,
            self.key,
            self.says,
            self.template,
            new=before is None,
            apply_to_existing=self.apply_to_existing,
        )


@dataclass(frozen=True)
class SwitchRule:
    key: str
    active: bool

    @property
    def about(self) -> tuple[str | None, ...]:
        return "rule", self.key

    async def make(self, world: World, house: House) -> None:
        rule = world.find_rule(self.key)
        if rule is not None:
            world.switch_rule(self.key, active=self.active)
            await house.switch_rule(rule.name, active=self.active)


@dataclass(frozen=True)
class DeleteRule:
    key: str

    @property
    def about(self) -> tuple[str | None, ...]:
        return "rule", self.key

    async def make(self, world: World, house: House) -> None:
        rule = world.find_rule(self.key)
        if rule is not None:
            world.delete_rule(self.key)
            await house.delete_rule(rule.name)


@dataclass(frozen=True)
class ContactAgain:
    key: str

    @property
    def about(self) -> tuple[str | None, ...]:
        return "rule", self.key

    async def make(self, world: World, house: House) -> None:
        rule = world.find_rule(self.key)
        if rule is not None:
            world.contact_again(self.key)
            await house.contact_again(rule.name)


@dataclass(frozen=True)
class Override:
    session: str
    key: str
    said: Mapping[str, Any] | None

    @property
    def about(self) -> tuple[str | None, ...]:
        return "override", self.session, self.key

    async def make(self, world: World, house: House) -> None:
        rule = world.find_rule(self.key)
        if rule is not None:
            world.override(self.session, self.key, None if self.said is None else dict(self.said))
            await house.override(self.session, rule.name, self.said)


@dataclass(frozen=True)
class PutOwnRule:
    session: str
    key: str
    says: Mapping[str, Any]
    template: str
    active: bool

    @property
    def about(self) -> tuple[str | None, ...]:
        return "own rule", self.session, self.key

    async def make(self, world: World, house: House) -> None:
        said = dict(self.says)
        world.put_own_rule(self.session, self.key, said, self.template, active=self.active)
        rule = world.find_rule(self.key, self.session)
        assert rule is not None
        await house.put_own_rule(
            rule.name, self.session, self.key, self.says, self.template, active=self.active
        )


@dataclass(frozen=True)
class DeleteOwnRule:
    session: str
    key: str

    @property
    def about(self) -> tuple[str | None, ...]:
        return "own rule", self.session, self.key

    async def make(self, world: World, house: House) -> None:
        rule = world.find_rule(self.key, self.session)
        if rule is not None:
            world.delete_own_rule(self.session, self.key)
            await house.delete_own_rule(rule.name, self.session)
