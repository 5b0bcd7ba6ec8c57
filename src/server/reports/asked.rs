//! What a request for a report asks for: by its path, its query, and `Accept`.

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::reports::format::Style;
use crate::reports::{Filter, Format, Report, Reports, wrong};
use crate::server::error::Refused;
use crate::server::media;

/// The report that is asked for, and how.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) report: &'static Report,
    pub(super) format: Format,
    pub(super) style: Style,
    pub(super) filter: Filter,
}

/// The formats by their media types, the one first that is sent to who does not care.
const OFFERS: [Format; 4] = [Format::Json, Format::Csv, Format::NdJson, Format::Parquet];

impl Asked {
    /// Reads `NAME` or `NAME.EXTENSION`, and the parameters.
    pub(super) fn parse(path: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Self, Refused> {
        let (name, extension) = match path.rsplit_once('.') {
            Some((name, extension)) => (name, Some(Format::named(extension).ok_or_else(unknown)?)),
            None => (path, None),
        };
        let report = Reports::ready().iter().find(|report| report.name == name).ok_or_else(unknown)?;
        let (mut format, mut style, mut filter) = (extension, Style::default(), Filter::default());
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if seen.contains(&name.to_string()) {
                return Err(Refused::bad_request(format!("`{name}` is there twice: say it once.")));
            }
            match (name.as_ref(), filter.set(&name, &value)) {
                (_, Some(set)) => set.map_err(Refused::bad_request)?,
                ("format", None) => format = Some(by_parameter(&value, extension)?),
                ("bom", None) => style.bom = flag("bom", &value)?,
                (_, None) => return Err(unknown_parameter(&name)),
            }
            seen.push(name.into_owned());
        }
        filter.check().map_err(Refused::bad_request)?;
        let format = match format {
            Some(format) => format,
            None => media::most_welcome(headers, OFFERS.map(|format| (format.media_type(), format)))
                .ok_or_else(not_acceptable)?,
        };
        if style.bom && format != Format::Csv {
            return Err(Refused::bad_request("`bom` is for `format=csv` only: leave it out."));
        }
        Ok(Self { report, format, style, filter })
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.format {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json; charset=utf-8",
            format => format.media_type(),
        })
    }

    /// What a browser calls the file.
    pub(super) fn file_name(&self) -> Option<HeaderValue> {
        let (name, extension) = (self.report.name, self.format.name());
        HeaderValue::from_str(&format!("inline; filename=\"{name}.{extension}\"")).ok()
    }
}

/// There is no such report.
pub(super) fn unknown() -> Refused {
    let names: Vec<&str> = Reports::ready().iter().map(|report| report.name).collect();
    let message = format!(
        "There is no such report: there are {}, each with .{} behind it or not.",
        names.join(", "),
        Format::ALL.map(Format::name).join(", .")
    );
    Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

fn unknown_parameter(name: &str) -> Refused {
    let start: String = name.chars().take(40).collect();
    let names = Filter::PARAMETERS.map(|parameter| parameter.name).join(", ");
    Refused::bad_request(format!("There is no parameter `{start}`: there are format, bom, {names}."))
}

fn by_parameter(value: &str, extension: Option<Format>) -> Result<Format, Refused> {
    let names = Format::ALL.map(Format::name).join(", ");
    let format =
        Format::named(value).ok_or_else(|| Refused::bad_request(wrong("format", value, &format!("one of {names}"))))?;
    match extension {
        Some(extension) if extension != format => {
            let (extension, format) = (extension.name(), format.name());
            Err(Refused::bad_request(format!("The path says {extension} and `format` says {format}: say one of them.")))
        }
        _ => Ok(format),
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Refused> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refused::bad_request(wrong(name, value, "true or false"))),
    }
}

fn not_acceptable() -> Refused {
    let types = OFFERS.map(Format::media_type).join(", ");
    Refused::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", format!("Accept one of {types}, or say `format`."))
}
