//! The handlers: on any thread, they call the workers, and read and write the store through its handle.

use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, put};
use axum::{Json, Router};
use futures_lite::StreamExt;
use reacton::prelude::*;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::service::{Ends, Job, QUALITY, RUNNING, STOPPING, Service, TALLY, Tally, VIEW};

/// How long open requests may still take when the service is to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest picture, in bytes.
const LARGEST: usize = 32 << 20;

/// The widest thumbnail.
const WIDEST: u32 = 2000;

/// The status of a request that is refused, and the reason.
type Refusal = (StatusCode, String);

/// A thumbnail, with its type.
type Jpeg = ([(header::HeaderName, &'static str); 1], Vec<u8>);

/// The state that every handler has.
#[derive(Clone)]
struct App {
    ends: Ends,
    /// The picture that `GET /thumbnail` makes small.
    sample: Bytes,
    numbers: Arc<AtomicU64>,
}

/// Answers requests until `stop` is ready. Then the store is told to end.
///
/// Streams to browsers end with the store, so they do not delay the end.
pub(crate) async fn serve(
    listener: TcpListener,
    service: &Service,
    sample: Bytes,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = App { ends: service.ends(), sample, numbers: Arc::default() };
    let handle = app.ends.handle.clone();
    let mut ending = handle.watch(&STOPPING);
    let stopped = async move {
        stop.await;
        handle.set(&STOPPING, true);
    };
    let late = async move {
        while ending.next().await == Some(false) {}
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = axum::serve(listener, router(app)).with_graceful_shutdown(stopped).into_future() => served,
        // Some client does not read its answer, has sent half a request, or waits for long work. The work is cancelled
        // with the runtime.
        () = late => Ok(()),
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/thumbnail", get(of_sample).post(of_picture))
        .route("/quality", put(quality))
        .route("/state", get(state))
        .route("/events", get(events))
        .layer(DefaultBodyLimit::max(LARGEST))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is no such page; begin at /") })
        .method_not_allowed_fallback(|| async {
            (StatusCode::METHOD_NOT_ALLOWED, "this page does not take such a request")
        })
        .with_state(app)
}

/// The requested width of the thumbnail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    #[serde(default = "Size::usual")]
    width: u32,
}

impl Size {
    fn usual() -> u32 {
        160
    }
}

async fn of_sample(
    State(app): State<App>,
    size: Result<Query<Size>, QueryRejection>,
) -> Result<Jpeg, Refusal> {
    let picture = app.sample.clone();
    thumbnail(&app, size, picture).await
}

async fn of_picture(
    State(app): State<App>,
    size: Result<Query<Size>, QueryRejection>,
    picture: Result<Bytes, BytesRejection>,
) -> Result<Jpeg, Refusal> {
    let picture = picture.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    thumbnail(&app, size, picture).await
}

/// One call. If the client goes away, this future is dropped together with the answer, which cancels the call.
async fn thumbnail(
    app: &App,
    size: Result<Query<Size>, QueryRejection>,
    picture: Bytes,
) -> Result<Jpeg, Refusal> {
    let Query(Size { width }) =
        size.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    if width > WIDEST {
        let words = format!("{width} is too wide; the widest thumbnail has {WIDEST} pixels");
        return Err((StatusCode::UNPROCESSABLE_ENTITY, words));
    }
    let number = app.numbers.fetch_add(1, Ordering::Relaxed);
    let mut request = Request::new(app.ends.handle.clone(), number);
    let answer = match app.ends.caller.try_call(Job { number, picture, width }) {
        Ok(answer) => answer.await,
        Err(busy) => Err(busy),
    };
    match answer {
        Ok(Ok(jpeg)) => {
            request.ends = |tally| tally.made += 1;
            Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg))
        }
        Ok(Err(words)) => {
            request.ends = |tally| tally.refused += 1;
            Err((StatusCode::UNPROCESSABLE_ENTITY, words))
        }
        Err(error) => {
            request.ends = |tally| tally.failed += 1;
            Err(failure(error))
        }
    }
}

fn failure(error: CallError) -> Refusal {
    match error {
        CallError::Panicked { message, .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("a worker panicked: {message}"))
        }
        other => (StatusCode::SERVICE_UNAVAILABLE, other.to_string()),
    }
}

/// A request that waits for its answer. If it is dropped before the answer, it counts as cancelled.
struct Request {
    handle: StoreHandle,
    number: u64,
    ends: fn(&mut Tally),
}

impl Request {
    fn new(handle: StoreHandle, number: u64) -> Self {
        handle.update(&RUNNING, move |running| _ = running.insert(number, 0));
        Self { handle, number, ends: |tally| tally.cancelled += 1 }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let (number, ends) = (self.number, self.ends);
        self.handle.batch(move |store| {
            store.update(&RUNNING, |running| _ = running.remove(&number));
            store.update(&TALLY, ends);
        });
    }
}

/// Sets the quality of later calls. When this request is answered, the store has sent the quality to all workers.
async fn quality(State(app): State<App>, body: String) -> Result<StatusCode, Refusal> {
    let quality = body.trim().parse().ok().filter(|quality| (1..=100).contains(quality));
    let Some(quality) = quality else {
        let words = format!("`{body}` is no quality; send a number from 1 to 100");
        return Err((StatusCode::UNPROCESSABLE_ENTITY, words));
    };
    let set = app.ends.handle.batch(move |store| store.set(&QUALITY, quality));
    set.await.map_err(unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn state(State(app): State<App>) -> Result<impl IntoResponse, Refusal> {
    app.ends.handle.get(&VIEW).await.map(Json).map_err(unavailable)
}

/// Sends the view now and each time that it changes. A browser that reads slowly gets the newest view.
async fn events(State(app): State<App>) -> impl IntoResponse {
    let views = app.ends.handle.watch(&VIEW);
    Sse::new(views.map(|view| Event::default().json_data(view))).keep_alive(KeepAlive::default())
}

fn unavailable(error: HandleError) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
