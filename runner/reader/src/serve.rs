use std::os::unix::net::UnixStream;

use serde::de::DeserializeOwned;
use stepbox_lockdown::Lockdown;
use stepbox_pipeline::yaml::parse;
use stepbox_protocol::Connection;

use crate::ReaderError;
use crate::flat::{flatten, stretch};
use crate::wire::{Answer, FlatError, Question, WrongSettings};

/// Answers on a connected socket until the other side goes away. `T` are the settings that there are. The process must have one
/// thread, and be good for nothing else: it locks itself for ever.
///
/// # Errors
/// [`ReaderError`] where it cannot be locked, or where the other side speaks nonsense.
pub fn serve<T: DeserializeOwned>(socket: UnixStream) -> Result<(), ReaderError> {
    let Connection { sender, mut receiver } = Connection::new(socket)?;
    let mut ready = false;
    while let Some((question, _)) = receiver.receive::<Question>()? {
        let answer = match question {
            Question::Begin { lockdown } if !ready => {
                ready = true;
                let wall = lockdown.then(|| Lockdown::new().process()).transpose();
                Answer::Ready(
                    wall.map_err(|error| ReaderError::Lockdown(error.to_string()))?.map(|wall| wall.missing()),
                )
            }
            Question::Document { text } if ready => document(&text),
            Question::Settings { text } if ready => settings::<T>(&text),
            _ => return Err(ReaderError::Nonsense("a question at the wrong time".to_owned())),
        };
        sender.send(&answer)?;
    }
    Ok(())
}

fn document(text: &str) -> Answer {
    Answer::Document(match parse(text) {
        Ok(tree) => Ok(flatten(tree)),
        Err(error) => Err(FlatError { kind: error.kind, place: stretch(error.place), other: error.other.map(stretch) }),
    })
}

/// Read twice: as what they must be, for words and places of what is wrong, and as they stand, to be told on.
fn settings<T: DeserializeOwned>(text: &str) -> Answer {
    #[cfg(feature = "holes")]
    if let Some(path) = text.strip_prefix("# stepbox-hole: ").and_then(|rest| rest.lines().next()) {
        let message = std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
        return Answer::Settings(Err(WrongSettings { message, line: 1, column: 1 }));
    }
    let read = serde_yaml::from_str::<T>(text).and_then(|_| serde_yaml::from_str::<serde_yaml::Value>(text));
    Answer::Settings(match read.map(|value| serde_json::to_string(&value)) {
        Ok(Ok(json)) => Ok(json),
        Ok(Err(error)) => Err(WrongSettings { message: error.to_string(), line: 1, column: 1 }),
        Err(error) => {
            let (line, column) = error.location().map_or((1, 1), |place| (place.line() as u32, place.column() as u32));
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            Err(WrongSettings { message, line, column })
        }
    })
}
