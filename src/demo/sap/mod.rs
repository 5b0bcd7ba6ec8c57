//! An embedded SAP Business One Service Layer.
