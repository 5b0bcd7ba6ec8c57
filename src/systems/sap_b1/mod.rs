//! SAP Business One.
