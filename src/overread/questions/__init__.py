"""The questions that Overread answers, a room each."""
