//! A stand-in for a model: a server that speaks OpenAI's chat completions and answers at once, so that what a stream takes
//! longer is what stands in front of it. It counts nothing and remembers nothing; the way it answers is set for all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::TaskTracker;

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// So many pieces in one write.
    Burst(usize),
    /// So many pieces, each after this time, or fewer when this changes.
    Paced(usize, Duration),
    /// One piece, and then nothing until this changes.
    Held,
}

/// A server on a port of this machine. It ends with the process.
pub struct StandIn {
    port: u16,
    manner: Arc<watch::Sender<Manner>>,
}

impl StandIn {
    pub fn start() -> anyhow::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        // A thousand streams begin within a second.
        let listener = socket.listen(4_096)?;
        let port = listener.local_addr()?.port();
        let manner = Arc::new(watch::Sender::new(Manner::Burst(64)));
        let manners = manner.subscribe();
        TaskTracker::new().spawn(accept(listener, manners));
        Ok(Self { port, manner })
    }

    /// Address up to and with the version.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn set(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }
}

async fn accept(listener: TcpListener, manners: watch::Receiver<Manner>) {
    let connections = TaskTracker::new();
    while let Ok((connection, _)) = listener.accept().await {
        let manners = manners.clone();
        connections.spawn(async move {
            if let Err(error) = serve(connection, manners).await {
                tracing::debug!(%error, "a connection to the stand-in ended");
            }
        });
    }
}

async fn serve(connection: TcpStream, manners: watch::Receiver<Manner>) -> anyhow::Result<()> {
    connection.set_nodelay(true)?;
    let mut connection = BufReader::new(connection);
    while let Some(is_stream) = read_request(&mut connection).await? {
        if is_stream {
            stream(connection.get_mut(), manners.clone()).await?;
        } else {
            whole(connection.get_mut()).await?;
        }
    }
    Ok(())
}

/// Whether a stream is asked for; `None` when the client has closed.
async fn read_request(connection: &mut BufReader<TcpStream>) -> anyhow::Result<Option<bool>> {
    let (mut line, mut length) = (String::new(), 0);
    let mut is_chunked = false;
    loop {
        line.clear();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().context("content-length")?;
        }
        is_chunked |= header == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    if is_chunked {
        body = read_chunks(connection).await?;
    } else {
        connection.read_exact(&mut body).await?;
    }
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(body["stream"] == true))
}

async fn read_chunks(connection: &mut BufReader<TcpStream>) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16).context("size of a chunk")?;
        let mut chunk = vec![0; size + 2];
        connection.read_exact(&mut chunk).await?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

async fn stream(
    connection: &mut TcpStream,
    mut manners: watch::Receiver<Manner>,
) -> anyhow::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let manner = *manners.borrow_and_update();
    match manner {
        Manner::Burst(pieces) => {
            let mut all = head.as_bytes().to_vec();
            (0..pieces).for_each(|number| all.extend_from_slice(&piece(number)));
            all.extend_from_slice(&end());
            connection.write_all(&all).await?;
        }
        Manner::Paced(pieces, pace) => {
            connection.write_all(head.as_bytes()).await?;
            let mut ticks = interval(pace);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0..pieces {
                ticks.tick().await;
                if manners.has_changed()? {
                    break;
                }
                connection.write_all(&piece(number)).await?;
            }
            connection.write_all(&end()).await?;
        }
        Manner::Held => {
            let mut first = head.as_bytes().to_vec();
            first.extend_from_slice(&piece(0));
            connection.write_all(&first).await?;
            // The client may hang up first.
            tokio::select! {
                _ = manners.changed() => connection.write_all(&end()).await?,
                _ = connection.readable() => anyhow::bail!("the client hung up"),
            }
        }
    }
    Ok(())
}

async fn whole(connection: &mut TcpStream) -> anyhow::Result<()> {
    let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"stand-in","choices":[{"index":0,"message":{"role":"assistant","content":"A word."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
    connection.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    Ok(())
}

/// One piece of the answer as an event in a chunk. The first one cites.
fn piece(number: usize) -> Vec<u8> {
    let text = if number == 0 { "Said [1] here." } else { " word" };
    chunk(&format!(
        r#"data: {{"id":"c","object":"chat.completion.chunk","created":1,"model":"stand-in","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{text}"}},"finish_reason":null}}]}}"#
    ))
}

fn end() -> Vec<u8> {
    let mut end = chunk(
        r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"stand-in","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    );
    end.extend(chunk(
        r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"stand-in","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":64,"total_tokens":73}}"#,
    ));
    end.extend(chunk("data: [DONE]"));
    end.extend_from_slice(b"0\r\n\r\n");
    end
}

fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\n\n\r\n", event.len() + 2).into_bytes()
}
