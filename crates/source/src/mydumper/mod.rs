//! Driving mydumper.
