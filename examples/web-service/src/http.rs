//! The handlers: on any thread, they read and write the store through its handle.

use std::future::{Future, IntoFuture};
use std::io;
use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use futures_lite::StreamExt;
use reacton::prelude::*;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::primes::LARGEST;
use crate::service::{FAULT, SEARCH, SEARCHES, STOPPING, Search, VIEW, View, WATCHING};

/// How long open requests may still take when the service is to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The status of a request that is refused, and the reason.
type Refusal = (StatusCode, String);

/// Answers requests until `stop` is ready. Then the store is told to end.
///
/// Streams to browsers end with the store, so they do not delay the end.
pub(crate) async fn serve(
    listener: TcpListener,
    handle: StoreHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut ending) = (handle.clone(), handle.watch(&STOPPING));
    let stopped = async move {
        stop.await;
        stopping.set(&STOPPING, true);
    };
    let late = async move {
        while ending.next().await.is_some() {}
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = axum::serve(listener, router(handle)).with_graceful_shutdown(stopped).into_future() => served,
        // Some client does not read its answer, or has sent half a request.
        () = late => Ok(()),
    }
}

fn router(handle: StoreHandle) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/search", get(view).post(search).delete(cancel))
        .route("/events", get(events))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is no such page; begin at /") })
        .method_not_allowed_fallback(|| async {
            (StatusCode::METHOD_NOT_ALLOWED, "this page does not take such a request")
        })
        .with_state(handle)
}

/// The range that a browser wants to be searched.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: u64,
    to: u64,
}

async fn view(State(handle): State<StoreHandle>) -> Result<impl IntoResponse, Refusal> {
    handle.get(&VIEW).await.map(Json).map_err(unavailable)
}

async fn search(
    State(handle): State<StoreHandle>,
    range: Result<Json<Range>, JsonRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let Json(Range { from, to }) =
        range.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    let wrong = |words| Err((StatusCode::UNPROCESSABLE_ENTITY, words));
    if from > to {
        return wrong(format!(
            "the search ends at {to} before it begins at {from}; give a `from` that is no larger than `to`"
        ));
    }
    if to > LARGEST {
        return wrong(format!("{to} is too large; the largest number to search is {LARGEST}"));
    }
    if let Some(fault) = handle.get(&FAULT).await.map_err(unavailable)? {
        return Err((StatusCode::SERVICE_UNAVAILABLE, format!("the worker has failed: {fault}")));
    }
    // One transaction, which replaces the current search.
    let begun = handle.batch(move |store| {
        let id = store.update(&SEARCHES, |searches| {
            *searches += 1;
            *searches
        });
        let search = Search { id, from, to };
        store.set(&SEARCH, Some(search));
        search
    });
    Ok((StatusCode::ACCEPTED, Json(begun.await.map_err(unavailable)?)))
}

async fn cancel(State(handle): State<StoreHandle>) -> Result<impl IntoResponse, Refusal> {
    let cancelled = handle.batch(|store| {
        let is_searching = store.with(&VIEW, View::is_searching);
        if is_searching {
            store.set(&SEARCH, None);
        }
        is_searching
    });
    if cancelled.await.map_err(unavailable)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err((StatusCode::CONFLICT, "there is no search to let go".into()))
    }
}

/// Sends the view now and each time that it changes. A browser that reads slowly gets the newest view.
async fn events(State(handle): State<StoreHandle>) -> impl IntoResponse {
    let views = handle.watch(&VIEW);
    let watching = Watching::new(handle);
    let events = views.map(move |view| {
        // Counts as long as the browser is connected; then this is dropped.
        let _ = &watching;
        Event::default().json_data(view)
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// While it exists, a browser counts as watching.
struct Watching(StoreHandle);

impl Watching {
    fn new(handle: StoreHandle) -> Self {
        handle.update(&WATCHING, |watching| *watching += 1);
        Self(handle)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.update(&WATCHING, |watching| *watching -= 1);
    }
}

fn unavailable(error: HandleError) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
