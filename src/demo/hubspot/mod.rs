//! An embedded HubSpot.
