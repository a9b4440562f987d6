//! Which fault is made at which point, and which cell stands for one that makes no sense.

use super::points::{Place, Point};

/// What happens to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The task unwinds; the process lives on.
    Panic,
    /// SIGKILL.
    Kill,
    /// SIGSTOP until lease and visibility are over and another has done the work; then it goes on.
    Hang,
    /// Every connection to the database breaks, and new ones are refused until the carrier has noticed.
    Cut,
    /// The object store answers 500, also to the adapter's own second try.
    Store500,
    /// The embedding model answers 429, also to the adapter's own second try.
    Busy429,
}

impl Fault {
    pub const ALL: [Self; 6] =
        [Self::Panic, Self::Kill, Self::Hang, Self::Cut, Self::Store500, Self::Busy429];

    pub fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Kill => "kill -9",
            Self::Hang => "hang",
            Self::Cut => "database cut",
            Self::Store500 => "S3 500",
            Self::Busy429 => "embedding 429",
        }
    }
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub point: Point,
    pub fault: Fault,
}

impl Cell {
    /// The cell that is run for this one: itself, or the nearest point at which the service that fails is asked at all. The
    /// next one on the way, else the last one before.
    pub fn run_as(self) -> Self {
        let is_asked = |point: &Point| match self.fault {
            Fault::Store500 => matches!(point.place(), Place::Store(_)),
            Fault::Busy429 => matches!(point.place(), Place::Embedding(_)),
            _ => true,
        };
        let way = Point::ALL;
        let at = way.iter().position(|point| *point == self.point).unwrap();
        let next = way[at..].iter().find(|point| is_asked(point));
        let point = next.or_else(|| way[..at].iter().rev().find(|point| is_asked(point)));
        Self { point: *point.unwrap(), fault: self.fault }
    }

    /// Every cell, in the order of the way.
    pub fn all() -> Vec<Self> {
        let of = |point: Point| Fault::ALL.map(|fault| Self { point, fault });
        Point::ALL.into_iter().flat_map(of).collect()
    }

    /// Cells that are run as they are.
    pub fn distinct() -> Vec<Self> {
        Self::all().into_iter().filter(|cell| cell.run_as() == *cell).collect()
    }

    /// A cut through the table: each point, and each fault twice or more.
    pub fn some() -> Vec<Self> {
        [
            (Point::Put, Fault::Kill),
            (Point::Put, Fault::Store500),
            (Point::Receive, Fault::Cut),
            (Point::Receive, Fault::Panic),
            (Point::HandOver, Fault::Panic),
            (Point::Send, Fault::Cut),
            (Point::Sent, Fault::Kill),
            (Point::Take, Fault::Panic),
            (Point::Claim, Fault::Hang),
            (Point::Read, Fault::Store500),
            (Point::Parse, Fault::Kill),
            (Point::Advance, Fault::Cut),
            (Point::FirstBatch, Fault::Busy429),
            (Point::LastBatch, Fault::Hang),
            (Point::LastBatch, Fault::Busy429),
            (Point::Chunks, Fault::Hang),
            (Point::Publish, Fault::Kill),
            (Point::Delete, Fault::Cut),
            (Point::Leave, Fault::Panic),
            (Point::Remove, Fault::Kill),
        ]
        .map(|(point, fault)| Self { point, fault })
        .to_vec()
    }
}
