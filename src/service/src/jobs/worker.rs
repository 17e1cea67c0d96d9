//! The loop that takes jobs. The queue library's defaults are dangerous, so every option that
//! matters is set here, once.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use graphile_worker::{
    IntoTaskHandlerResult, JobRecovery, JobRecoveryResult, LocalQueueConfig, RefetchDelayConfig, TaskHandler,
    WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};

use super::Job;
use crate::Db;

type Handler = Arc<dyn Fn(serde_json::Value) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Takes jobs of the kinds it was told and calls their handlers.
pub struct Worker {
    db: Db,
    handlers: HashMap<&'static str, Handler>,
    define: Vec<fn(WorkerOptions) -> WorkerOptions>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("kinds", &self.handlers.keys()).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Handlers(Arc<HashMap<&'static str, Handler>>);

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handlers(..)")
    }
}

/// A job of ours as the library sees it.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
struct Wake<J: Job>(J);

impl<J: Job> TaskHandler for Wake<J> {
    const IDENTIFIER: &'static str = J::NAME;

    async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
        let handler = ctx
            .get_ext::<Handlers>()
            .and_then(|handlers| handlers.0.get(J::NAME).cloned())
            .ok_or_else(|| "no handler for this kind of job".to_owned())?;
        handler(ctx.payload().clone()).await.map_err(|error| format!("{error:#}"))
    }
}

impl Worker {
    /// A worker that knows no job yet.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, handlers: HashMap::new(), define: Vec::new() }
    }

    /// Calls `handle` for every job of a kind. A handler is idempotent: it may be called twice, and
    /// at the same time, for the same row. An error is retried with growing waits.
    #[must_use]
    pub fn on<J, F, Fut>(mut self, handle: F) -> Self
    where
        J: Job,
        F: Fn(J) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |payload| match serde_json::from_value::<J>(payload) {
            Ok(job) => handle(job).boxed(),
            Err(error) => async move { Err(anyhow::Error::from(error).context("the payload cannot be read")) }.boxed(),
        });
        self.handlers.insert(J::NAME, handler);
        self.define.push(|options| options.define_job::<Wake<J>>());
        self
    }

    /// Takes jobs until `stop` completes, `concurrency` at the same time. Survives restarts of the
    /// database: the library's loop ends with an error then, and is begun again.
    pub async fn run(self, concurrency: usize, stop: impl Future<Output = ()> + Send + 'static) {
        let stop = stop.shared();
        let handlers = Handlers(Arc::new(self.handlers));
        while stop.peek().is_none() {
            let mut options = WorkerOptions::default()
                .concurrency(concurrency)
                .pg_pool(self.db.pool().clone())
                .poll_interval(Duration::from_secs(2))
                // Without a refetch delay every slot polls by itself, or spins when idle.
                .local_queue(LocalQueueConfig::default().with_size(concurrency).with_refetch_delay(
                    RefetchDelayConfig::default().with_duration(Duration::from_secs(1)).with_threshold(0),
                ))
                // Recovery is off by default: a job of a killed worker would wait for hours.
                .heartbeat_interval(Duration::from_secs(5))
                .sweep_interval(Duration::from_secs(5))
                .sweep_threshold(Duration::from_secs(15))
                .recovery_delay(Duration::ZERO)
                // A crash counts as an attempt, so a job that kills its worker ends some day.
                .on(JobRecovery, |_| async { JobRecoveryResult::FailWithBackoff })
                .listen_os_shutdown_signals(false)
                .shutdown_signal(stop.clone())
                .shutdown_grace_period(Duration::from_secs(20))
                .add_extension(handlers.clone());
            for define in &self.define {
                options = define(options);
            }
            let outcome = match options.init().await {
                Ok(worker) => worker.run().await.map_err(|e| e.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = outcome {
                tracing::warn!(error, "The job queue is not available, trying again");
                tokio::select! {
                    () = stop.clone() => {}
                    () = tokio::time::sleep(Duration::from_secs(2)) => {}
                }
            }
        }
    }
}
