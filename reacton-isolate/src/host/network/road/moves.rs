//! What can happen next on a road of a simulation.

use crate::host::network::bytes::Direction;

/// Something that can happen on a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Move {
    /// The process of the worker is started.
    Begin,
    /// A writer sends some of the queued bytes.
    Send(Direction),
    /// Bytes arrive, or the end of the road.
    Arrive(Direction),
    /// The spawn accepts the worker's answer, or rejects it.
    Answer,
    /// The process exits: its worker has ended, and everything has been sent.
    Exit,
    /// Main learns that the worker has ended.
    Close,
    /// A client asks a machine for a place, or reads its answer.
    Seek,
    /// A client ends its search, or turns from a lost machine to the next one.
    Turn,
    /// An end notices that its connection is lost. The direction is that in which it receives.
    Lose(Direction),
    /// An acknowledgement arrives apart from the bytes.
    Report(Direction),
    /// Main notices that the machine is silent, or is heard again.
    Hear,
    /// Main waits no longer for the handshake.
    Look,
    /// The worker is asked to end, because its machine will.
    Leave,
    /// The worker vanishes with its machine.
    Vanish,
}

impl Move {
    /// Returns its name in a trace.
    pub(in crate::host) fn what(self) -> &'static str {
        match self {
            Self::Begin => "a process starts",
            Self::Send(Direction::Down) => "main writes to a road",
            Self::Send(Direction::Up) => "a worker writes to a road",
            Self::Arrive(Direction::Down) => "a worker reads from its road",
            Self::Arrive(Direction::Up) => "main reads from a road",
            Self::Answer => "an answer to a handshake is taken",
            Self::Exit => "a process exits",
            Self::Close => "main learns how a process has ended",
            Self::Seek => "a client and a host agree about a worker",
            Self::Turn => "a client ends its search, or turns to another host",
            Self::Lose(Direction::Down) => "a host notices that its client is lost",
            Self::Lose(Direction::Up) => "main notices that a host is lost",
            Self::Report(Direction::Down) => "a worker reads an acknowledgement",
            Self::Report(Direction::Up) => "main reads an acknowledgement",
            Self::Hear => "main notices whether a host is silent",
            Self::Look => "main waits no longer for a handshake",
            Self::Leave => "a host asks a worker to end",
            Self::Vanish => "a worker vanishes with its host",
        }
    }
}
