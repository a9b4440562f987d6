//! Fetches an archive, unless it is the one that was read before.

use reqwest::Url;

use crate::adapters::outbound::OutboundError;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::fetch::{Asked, FetchError, Fetched, Fetcher, Outlook, Validators};
use crate::sources::store::leases::ClaimedRun;
use crate::sources::sync::SourceSync;

/// What came of all attempts.
pub(super) enum Came {
    /// An answer.
    Answer(Fetched),
    /// None.
    Trouble(FetchError),
    /// The run is no longer ours.
    NotOurs,
}

impl SourceSync {
    /// Fetches an archive, as often as it takes or may.
    pub(super) async fn fetch_archive(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        url: &str,
        known: &Validators,
    ) -> db::Result<Came> {
        let mut attempt = 1;
        loop {
            let time = self.settings.archive_timeout;
            let followed = tokio::time::timeout(time, self.follow(url, known)).await;
            let error = match followed.unwrap_or_else(|_| Err(OutboundError::Timeout.into())) {
                Ok(fetched) => return Ok(Came::Answer(fetched)),
                Err(error) => error,
            };
            let asked = match error.outlook {
                Outlook::Passing => None,
                Outlook::Busy(asked) => asked,
                Outlook::Closed | Outlook::Lasting => return Ok(Came::Trouble(error)),
            };
            if attempt >= self.settings.max_attempts {
                return Ok(Came::Trouble(error));
            }
            tokio::time::sleep(self.wait_after(attempt, asked)).await;
            attempt += 1;
            let mut tx = self.db.tenant(tenant).await?;
            if !tx.keep_source_run(run, self.settings.lease).await? {
                return Ok(Came::NotOurs);
            }
            tx.commit().await?;
        }
    }

    /// Asks wherever it leads: Git hosts keep their archives on other machines. What is known goes along, as it is what the last
    /// of them called the archive.
    async fn follow(&self, url: &str, known: &Validators) -> Result<Fetched, FetchError> {
        let fetcher = Fetcher { outbound: &self.archives, max_redirects: 0 };
        let mut url = url.to_owned();
        for _ in 0..=self.settings.max_redirects {
            if let Some(host) = Url::parse(&url).ok().as_ref().and_then(Url::host_str) {
                self.wait_for_turn(host, self.settings.delay).await;
            }
            match fetcher.ask(&url, known).await? {
                Asked::Came(Fetched::NotModified) if *known == Validators::default() => {
                    let detail = "the server answered 304 unasked".to_owned();
                    let code = "invalid_answer";
                    return Err(FetchError { code, detail, outlook: Outlook::Lasting });
                }
                Asked::Came(fetched) => return Ok(fetched),
                Asked::Leads(to, _) => url = to.to_string(),
            }
        }
        Err(OutboundError::Redirects.into())
    }
}
