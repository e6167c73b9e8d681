"""The least that FastAPI and SQLModel can do with a table: what `tests.benchmarks.api_load` measures the API beside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

OWNER = UUID(int=1)

engine = create_engine(os.environ["BARE_URL"], pool_size=5, max_overflow=0)
app = FastAPI()


class Note(SQLModel, table=True):
    """A todo without anything that makes it one."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    title: str = Field(max_length=255)
    description: str | None = Field(default=None, max_length=2000)
    is_completed: bool = False
    user_id: UUID = Field(default=OWNER, index=True)


class NoteCreate(SQLModel):
    """What a client gives."""

    title: str = Field(min_length=1, max_length=255)
    description: str | None = None


class NoteUpdate(SQLModel):
    """What a client changes."""

    title: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = None


SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables["note"]])


def _session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@app.get("/api/v1/todos")
def find(session: Annotated[Session, Depends(_session)], limit: int = 20) -> list[Note]:
    """List some."""
    mine = select(Note).where(Note.user_id == OWNER, col(Note.is_completed).is_(False))
    return list(session.exec(mine.order_by(col(Note.title)).limit(limit)).all())


@app.post("/api/v1/todos", status_code=201)
def create(session: Annotated[Session, Depends(_session)], todo: NoteCreate) -> Note:
    """Add one."""
    note = Note(**todo.model_dump())
    session.add(note)
    session.commit()
    session.refresh(note)
    return note


@app.get("/api/v1/todos/{note_id}")
def read(session: Annotated[Session, Depends(_session)], note_id: UUID) -> Note:
    """Read one."""
    return session.exec(select(Note).where(Note.user_id == OWNER, Note.id == note_id)).one()


@app.patch("/api/v1/todos/{note_id}")
def update(session: Annotated[Session, Depends(_session)], note_id: UUID, changes: NoteUpdate) -> Note:
    """Change one."""
    note = session.exec(select(Note).where(Note.user_id == OWNER, Note.id == note_id)).one()
    note.sqlmodel_update(changes.model_dump(exclude_unset=True))
    session.add(note)
    session.commit()
    session.refresh(note)
    return note
