// The native limit: an HTTP server in Rust that runs the model in line, a request at a time, on one thread. No batching, no
// queue, no limits, no metrics: what is left when everything that can be left out is.
//   rust-peer MODEL.onnx PORT LIBONNXRUNTIME.so
use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ort::{session::Session, session::builder::GraphOptimizationLevel, value::TensorRef};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Request {
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    shape: Vec<i64>,
    #[serde(default)]
    data: Vec<f32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    outputs: [Output<'a>; 1],
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'a str,
    shape: Vec<i64>,
    data: &'a [f32],
}

const LENGTH: &str = "inference-header-content-length";

async fn infer(State(session): State<Arc<Mutex<Session>>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&session, &headers, &body) {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answer(session: &Mutex<Session>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Box<dyn std::error::Error>> {
    let length = match headers.get(LENGTH) {
        Some(value) => Some(value.to_str()?.parse::<usize>()?),
        None => None,
    };
    let json = body.get(..length.unwrap_or(body.len())).ok_or("the header is longer than the body")?;
    let request: Request = serde_json::from_slice(json)?;
    let mut input = request.inputs.into_iter().next().ok_or("no input")?;
    if length.is_some() {
        let numbers = body[json.len()..].chunks_exact(4);
        input.data = numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    }
    let mut session = session.lock().unwrap();
    let outputs = session.run(ort::inputs!["x" => TensorRef::from_array_view((input.shape, &input.data[..]))?])?;
    let (shape, data) = outputs["y"].try_extract_tensor::<f32>()?;
    let shape = shape.to_vec();
    if length.is_none() {
        let outputs = [Output { name: "y", datatype: "FP32", shape, data }];
        let text = serde_json::to_vec(&Answer { model_name: "m", outputs })?;
        return Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response());
    }
    let mut bytes = format!(
        r#"{{"model_name":"m","outputs":[{{"name":"y","datatype":"FP32","shape":{shape:?},"parameters":{{"binary_data_size":{}}}}}]}}"#,
        data.len() * 4
    )
    .into_bytes();
    let head = bytes.len().to_string();
    bytes.extend(data.iter().flat_map(|number| number.to_le_bytes()));
    Ok(([(header::CONTENT_TYPE.as_str(), "application/octet-stream"), (LENGTH, head.as_str())], bytes).into_response())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let environment = ort::init_from(&arguments[3])?.with_telemetry(false).build()?;
    let session = Session::builder(&environment)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(1)?
        .commit_from_file(&arguments[1])?;
    let router = Router::new()
        .route("/infer", post(infer))
        .route("/ready", get(|| async { "ready" }))
        .with_state(Arc::new(Mutex::new(session)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments[2].parse::<u16>()?)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
