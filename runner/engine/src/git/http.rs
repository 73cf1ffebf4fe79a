//! Git over https, without libcurl: each connection goes through our resolver, each redirection through our grants.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use stepbox_limits::Budget;
use ureq::http::{Request, Response, Uri};
use ureq::unversioned::transport::Connector;

use super::address::Grants;
use super::resolver::PublicAddresses;

/// How much one answer may bring, in bytes.
const MAX_ANSWER: u64 = 16 << 30;

/// How much one question may hold, in bytes: what is asked for and what is there already.
const MAX_QUESTION: usize = 64 << 20;

/// How often a question may be sent elsewhere.
const MAX_REDIRECTIONS: usize = 5;

/// How long connecting, and each reading, may take.
const CONNECT: Duration = Duration::from_secs(20);
const READ: Duration = Duration::from_secs(60);

/// What a client says beside its errors, whose kinds get lost on their way through the library.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Set from outside: end soon.
    pub(super) stop: AtomicBool,
    /// Why trying again is useless.
    pub(super) refused: Mutex<Option<String>>,
    /// Whether the network or the host had a moment of weakness: trying again may help (rule G11).
    pub(super) transient: AtomicBool,
    /// How much may still come, for the whole build.
    pub(super) traffic: Option<Arc<Budget>>,
}

impl Signals {
    fn again(&self, error: io::Error) -> io::Error {
        self.transient.store(true, Ordering::Relaxed);
        error
    }

    fn refuse(&self, why: String) -> io::Error {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        io::Error::other(why)
    }
}

/// A client for one repository.
pub(super) struct Client {
    agent: ureq::Agent,
    grants: Arc<Grants>,
    signals: Arc<Signals>,
    redirected: Option<String>,
}

impl Client {
    pub(super) fn new(grants: Arc<Grants>, signals: Arc<Signals>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy would look up names in our place.
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(CONNECT))
            .timeout_per_read(Some(READ))
            .timeout_per_write(Some(READ))
            .max_response_header_size(64 << 10)
            .build();
        let resolver = PublicAddresses { grants: Arc::clone(&grants), resolver: Default::default() };
        let agent = ureq::Agent::with_parts(config, connector(&grants), resolver);
        Self { agent, grants, signals, redirected: None }
    }

    /// Asks, and follows redirections to where the user lets us go.
    fn ask(&mut self, url: &str, base: &str, headers: &[(String, String)]) -> io::Result<Response<ureq::Body>> {
        let tail = url.strip_prefix(base).unwrap_or_default().to_owned();
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTIONS {
            let request = build(Request::get(&url), headers).body(()).map_err(io::Error::other)?;
            let response = self.agent.run(request).map_err(|error| self.error(error))?;
            if !response.status().is_redirection() {
                return checked(response, headers, &self.signals);
            }
            let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let next = if location.starts_with('/') && !location.starts_with("//") {
                origin_of(&url).map(|origin| format!("{origin}{location}"))
            } else {
                Some(location.to_owned())
            };
            let Some(next) = next.filter(|next| next.ends_with(&tail)) else {
                return Err(self.signals.refuse("the host sends us to an address that is no repository".to_owned()));
            };
            let target: Uri = next.parse().map_err(io::Error::other)?;
            let host = target.host().unwrap_or_default();
            if origin_of(&next) != origin_of(&url) && are_told(headers) {
                let why = format!("the host sends us to `{host}`, and credentials are for the host that they name");
                return Err(self.signals.refuse(why));
            }
            if !self.grants.may_reach(target.scheme_str() == Some("https"), host, target.port_u16()) {
                let why = format!("the host sends us to `{host}`; allow it with `--allow-clone {host}`");
                return Err(self.signals.refuse(why));
            }
            self.redirected = Some(next[..next.len() - tail.len()].to_owned());
            url = next;
        }
        Err(self.signals.refuse("the host sends us from one address to the next without end".to_owned()))
    }

    fn error(&self, error: ureq::Error) -> io::Error {
        error_text(error, &self.signals)
    }
}

/// What went wrong, and whether trying again may help.
fn error_text(error: ureq::Error, signals: &Signals) -> io::Error {
    match error {
        ureq::Error::Io(error) if error.to_string().contains("invalid peer certificate") => {
            signals.refuse("the certificate of the host is not trusted".to_owned())
        }
        ureq::Error::Io(error) => signals.again(error),
        // What our resolver says.
        ureq::Error::Other(why) => signals.refuse(why.to_string()),
        error @ (ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed) => {
            signals.again(io::Error::other(error.to_string()))
        }
        error => io::Error::other(error.to_string()),
    }
}

/// How a connection is made.
#[cfg(not(test))]
fn connector(_: &Grants) -> impl Connector {
    ureq::unversioned::transport::DefaultConnector::default()
}

#[cfg(test)]
fn connector(grants: &Grants) -> impl Connector {
    super::tests::plain::PlainConnector::new(grants.plain)
}

/// Scheme, host and port.
pub(super) fn origin_of(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let end = url[start..].find('/').map_or(url.len(), |end| start + end);
    Some(&url[..end])
}

fn build(builder: ureq::http::request::Builder, headers: &[(String, String)]) -> ureq::http::request::Builder {
    headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value))
}

/// Whether credentials are among the headers.
fn are_told(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
}

/// Anything but success as an error.
fn checked(
    response: Response<ureq::Body>,
    headers: &[(String, String)],
    signals: &Signals,
) -> io::Result<Response<ureq::Body>> {
    let status = response.status();
    let told = are_told(headers);
    match status.as_u16() {
        200..300 => Ok(response),
        401 if told => Err(signals.refuse("the host refuses these credentials (status 401)".to_owned())),
        401 => {
            let why = "the host asks for credentials; give the step `credentials:` with `username` and `password`, or \
                       name them in a file of git credentials";
            Err(signals.refuse(why.to_owned()))
        }
        403 => Err(signals.refuse("the host refuses (status 403)".to_owned())),
        404 => Err(signals.refuse("the host knows no such repository, or hides it from us (status 404)".to_owned())),
        // Too long, too often, or a fault of its own.
        408 | 429 | 500..600 => Err(signals.again(io::Error::other(format!("the host answers with status {status}")))),
        _ => Err(signals.refuse(format!("the host answers with status {status}"))),
    }
}

/// `Name: value` as the library writes them.
fn split(headers: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<(String, String)> {
    let pair = |header: &str| header.split_once(':').map(|(name, value)| (name.trim().into(), value.trim().into()));
    headers.into_iter().filter_map(|header| pair(header.as_ref())).collect()
}

type Answer = BufReader<Watched<ureq::BodyReader<'static>>>;

/// Headers and body, until somebody takes them.
type Parts = (Option<Cursor<Vec<u8>>>, Option<Answer>);

/// Headers as lines, and the body.
fn taken_apart(response: Response<ureq::Body>, signals: &Arc<Signals>) -> (Cursor<Vec<u8>>, Answer) {
    let mut lines = vec![];
    for (name, value) in response.headers() {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    let reader = response.into_body().into_with_config().limit(MAX_ANSWER).reader();
    (Cursor::new(lines), BufReader::with_capacity(1 << 16, Watched { reader, signals: Arc::clone(signals) }))
}

/// A reader that ends when it is told to.
pub(super) struct Watched<R> {
    reader: R,
    signals: Arc<Signals>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.signals.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        let count = self.reader.read(buffer).map_err(|error| self.signals.again(error))?;
        if let Some(traffic) = &self.signals.traffic
            && let Err(exceeded) = traffic.take(count as u64)
        {
            return Err(self.signals.refuse(format!("nothing is left of {}", exceeded.0.words())));
        }
        Ok(count)
    }
}

/// A question that is sent when its answer is read: the library writes it piece by piece, and hosts want its length.
pub(super) struct Exchange {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(String, String)>,
    question: Vec<u8>,
    answer: Option<Result<Parts, String>>,
    signals: Arc<Signals>,
}

impl Exchange {
    fn answer(&mut self) -> io::Result<&mut Parts> {
        if self.answer.is_none() {
            let question = std::mem::take(&mut self.question);
            let request = build(Request::post(&self.url), &self.headers).body(question).map_err(io::Error::other)?;
            let response = self.agent.run(request).map_err(|error| error_text(error, &self.signals));
            let answer = response.and_then(|response| checked(response, &self.headers, &self.signals));
            let answer = answer.map(|response| taken_apart(response, &self.signals));
            self.answer = Some(match answer {
                Ok((headers, body)) => Ok((Some(headers), Some(body))),
                Err(error) => Err(error.to_string()),
            });
        }
        match &mut self.answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(why)) => Err(io::Error::other(why.clone())),
            None => Err(io::Error::other("no answer")),
        }
    }
}

/// One side of an exchange; the first read sends the question.
pub(super) enum Part<R> {
    /// Not yet read.
    Pending(Arc<Mutex<Exchange>>, fn(&mut Parts) -> Option<R>),
    /// Being read.
    Ready(R),
    /// Nothing more.
    Empty,
}

impl<R: BufRead> Part<R> {
    fn ready(&mut self) -> io::Result<Option<&mut R>> {
        if let Self::Pending(exchange, take) = self {
            let mut exchange = exchange.lock().unwrap_or_else(PoisonError::into_inner);
            let part = take(exchange.answer()?);
            drop(exchange);
            *self = part.map_or(Self::Empty, Self::Ready);
        }
        match self {
            Self::Ready(reader) => Ok(Some(reader)),
            _ => Ok(None),
        }
    }
}

impl<R: BufRead> Read for Part<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ready()?.map_or(Ok(0), |reader| reader.read(buffer))
    }
}

impl<R: BufRead> BufRead for Part<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.ready()? {
            Some(reader) => reader.fill_buf(),
            None => Ok(&[]),
        }
    }

    fn consume(&mut self, count: usize) {
        if let Self::Ready(reader) = self {
            reader.consume(count);
        }
    }
}

/// Where the library writes its question.
pub(super) struct Question(Arc<Mutex<Exchange>>);

impl Write for Question {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut exchange = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if exchange.question.len() + bytes.len() > MAX_QUESTION {
            return Err(io::Error::other("the question to the host grows too large"));
        }
        exchange.question.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Http for Client {
    type Headers = Part<Cursor<Vec<u8>>>;
    type ResponseBody = Part<Answer>;
    type PostBody = Question;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let response = self.ask(url, base_url, &split(headers)).map_err(gix::Error::from_error)?;
        let (headers, body) = taken_apart(response, &self.signals);
        Ok(GetResponse { headers: Part::Ready(headers), body: Part::Ready(body) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let exchange = Arc::new(Mutex::new(Exchange {
            agent: self.agent.clone(),
            url: url.to_owned(),
            headers: split(headers),
            question: vec![],
            answer: None,
            signals: Arc::clone(&self.signals),
        }));
        Ok(PostResponse {
            post_body: Question(Arc::clone(&exchange)),
            headers: Part::Pending(Arc::clone(&exchange), |(headers, _)| headers.take()),
            body: Part::Pending(exchange, |(_, body)| body.take()),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result<()> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}
