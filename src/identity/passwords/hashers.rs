//! The threads that hash. Each keeps its memory from hash to hash, so that what a flood costs is known from the start,
//! and gives way to the threads that answer requests. Work waits in two lanes with a bound of their own.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use argon2::Block;
use tokio::sync::oneshot;

use super::{HashError, Lane};
use crate::kernel::priority;

/// Memory of one thread.
pub type Memory = Vec<Block>;
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Hands work to the threads; they end with the last handle.
#[derive(Clone, Debug)]
pub struct Hashers(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// Waiting in each lane, at most.
    queue: usize,
    /// Threads that could be started.
    threads: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    lanes: [VecDeque<Job>; 2],
    /// Threads that wait for work.
    idle: usize,
    is_over: bool,
}

impl Hashers {
    /// Starts the threads.
    pub fn start(threads: usize, queue: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let start = |number: usize| {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("password-{number}"));
            let started = thread.spawn(move || work(&shared));
            if let Err(error) = &started {
                tracing::error!(%error, "starting a thread that hashes passwords");
            }
            started.is_ok()
        };
        let threads = (0..threads).filter(|number| start(*number)).count();
        Self(Arc::new(Handle { shared, queue, threads }))
    }

    /// The outcome of work that one of the threads does.
    ///
    /// # Errors
    /// The lane is full, or the work came to no end.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Memory) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Who gave up waiting needs no hash.
            if !sender.is_closed() {
                drop(sender.send(work(memory)));
            }
        });
        self.push(lane, job)?;
        let stopped = || HashError::Unusable("the thread stopped in the middle".to_owned());
        receiver.await.map_err(|_| stopped())?
    }

    fn push(&self, lane: Lane, job: Job) -> Result<(), HashError> {
        if self.0.threads == 0 {
            return Err(HashError::Unusable("no thread could be started".to_owned()));
        }
        let mut state = self.0.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { lanes, idle, .. } = &mut *state;
        let lane = &mut lanes[usize::from(lane == Lane::Known)];
        if lane.len() >= self.0.queue + *idle {
            return Err(HashError::Busy);
        }
        lane.push_back(job);
        drop(state);
        self.0.shared.wake.notify_one();
        Ok(())
    }

    /// How many wait in a lane.
    #[cfg(test)]
    pub fn waiting(&self, lane: Lane) -> usize {
        let state = self.0.shared.state.lock().expect("no panic");
        state.lanes[usize::from(lane == Lane::Known)].len()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.shared.wake.notify_all();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// What a thread does until the last handle is gone.
fn work(shared: &Shared) {
    priority::give_way();
    let mut memory = Memory::new();
    while let Some(job) = next(shared) {
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
        if done.is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

/// The next work: of people at an address of theirs first, whatever strangers send.
fn next(shared: &Shared) -> Option<Job> {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let [stranger, known] = &mut state.lanes;
        if let Some(job) = known.pop_front().or_else(|| stranger.pop_front()) {
            return Some(job);
        }
        if state.is_over {
            return None;
        }
        state.idle += 1;
        state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
    }
}
