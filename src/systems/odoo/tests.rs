//! What the connector makes of odd and recorded answers.
