//! A browser as far as logins need one: it keeps cookies by host, follows nothing by itself, fills in forms.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use scraper::{Html, Selector};

use super::Reply;

/// The browser.
pub struct Browser {
    http: Client,
    /// Host and port, name, value.
    cookies: Mutex<BTreeMap<(String, String), String>>,
}

impl Default for Browser {
    fn default() -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, cookies: Mutex::default() }
    }
}

/// Where a reply came from, and the reply.
pub struct Visit {
    pub url: Url,
    pub reply: Reply,
}

impl Visit {
    /// Where the reply leads to.
    pub fn location(&self) -> Url {
        let location = self.reply.headers.get(LOCATION).unwrap_or_else(|| {
            panic!("{} leads nowhere: {} {}", self.url, self.reply.status, self.reply.text())
        });
        self.url.join(location.to_str().unwrap()).unwrap()
    }

    /// A value of the query of where the reply leads to.
    pub fn sent(&self, name: &str) -> Option<String> {
        let url = self.location();
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    pub async fn get(&self, url: impl AsRef<str>) -> Visit {
        self.send(Method::GET, url.as_ref(), None, &[]).await
    }

    /// Posts a form as a page of the same server would.
    pub async fn post(&self, url: impl AsRef<str>, form: &[(String, String)]) -> Visit {
        self.send(Method::POST, url.as_ref(), Some(form), &[("sec-fetch-site", "same-origin")])
            .await
    }

    pub async fn send(
        &self,
        method: Method,
        url: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Visit {
        let url = Url::parse(url).unwrap();
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or_default());
        let cookies = self.cookies_of(&host);
        let mut request = self.http.request(method, url.clone());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for set in headers.get_all(SET_COOKIE) {
            self.keep(&host, set.to_str().unwrap());
        }
        let bytes = response.bytes().await.unwrap().to_vec();
        Visit { url, reply: Reply { status, headers, bytes } }
    }

    /// Goes where a reply leads to, as long as it stays with hosts of this address.
    pub async fn follow_within(&self, mut visit: Visit, address: &str) -> Visit {
        while visit.reply.status.is_redirection() && visit.location().as_str().starts_with(address)
        {
            visit = self.get(visit.location()).await;
        }
        visit
    }

    /// Fills in the first form of a page and sends it.
    pub async fn submit(&self, page: &Visit, values: &[(&str, &str)]) -> Visit {
        let (action, mut fields) = first_form(page);
        for (name, value) in values {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(page.url.join(&action).unwrap(), &fields).await
    }

    /// A cookie for the host of an address.
    pub fn cookie(&self, address: &str, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.get(&(host_of(address), name.to_owned())).cloned()
    }

    pub fn set_cookie(&self, address: &str, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().unwrap();
        cookies.insert((host_of(address), name.to_owned()), value.to_owned());
    }

    fn keep(&self, host: &str, set: &str) {
        let (name, rest) = set.split_once('=').unwrap();
        let value = rest.split(';').next().unwrap();
        let ends =
            set.contains("Max-Age=0") || set.to_lowercase().contains("expires=thu, 01 jan 1970");
        let mut cookies = self.cookies.lock().unwrap();
        let key = (host.to_owned(), name.to_owned());
        if ends {
            cookies.remove(&key);
        } else {
            cookies.insert(key, value.to_owned());
        }
    }

    fn cookies_of(&self, host: &str) -> String {
        let cookies = self.cookies.lock().unwrap();
        let own = cookies.iter().filter(|((of, _), _)| of == host);
        own.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

fn host_of(address: &str) -> String {
    let url = Url::parse(address).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or_default())
}

/// Address and fields of the first form.
fn first_form(page: &Visit) -> (String, Vec<(String, String)>) {
    let html = Html::parse_document(&page.reply.text());
    let form = Selector::parse("form").unwrap();
    let form = html.select(&form).next().unwrap_or_else(|| {
        panic!("no form at {}: {} {}", page.url, page.reply.status, page.reply.text())
    });
    let inputs = Selector::parse("input[name]").unwrap();
    let fields = form.select(&inputs).map(|input| {
        let value = input.value().attr("value").unwrap_or_default();
        (input.value().attr("name").unwrap().to_owned(), value.to_owned())
    });
    (form.value().attr("action").unwrap_or_default().to_owned(), fields.collect())
}
