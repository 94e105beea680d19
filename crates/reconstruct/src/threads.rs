//! Work shared by threads.

use crate::EngineError;

/// Runs `work` on some threads at once, the caller's being one, until all return; the first error is the result. The
/// closure takes its work from a shared queue, and should leave off once another has failed.
pub(crate) fn run(threads: usize, work: &(dyn Fn() -> Result<(), EngineError> + Sync)) -> Result<(), EngineError> {
    if threads <= 1 {
        return work();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            let outcome = match other.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            // Whoever was told to stop says "cancelled"; why is another's error.
            if matches!(result, Ok(()) | Err(EngineError::Cancelled)) && outcome.is_err() {
                result = outcome;
            }
        }
        result
    })
}
