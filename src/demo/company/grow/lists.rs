//! What the seeded company's names are made of, and what its lines of business are like.

/// A line of business.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Vertical {
    pub(super) name: &'static str,
    /// How many clients of a hundred are in it.
    pub(super) weight: i64,
    /// Planned cost, per thousand of the price.
    pub(super) cost_permille: i64,
    pub(super) trade: [&'static str; 4],
    pub(super) offerings: [&'static str; 6],
}

pub(super) const VERTICALS: [Vertical; 6] = [
    Vertical {
        name: "Manufacturing",
        weight: 24,
        cost_permille: 630,
        trade: ["Works", "Precision", "Machines", "Components"],
        offerings: [
            "Shop floor tracking",
            "Predictive maintenance",
            "Quality inspection line",
            "Spare parts portal",
            "Energy monitoring",
            "Plant data platform",
        ],
    },
    Vertical {
        name: "Retail",
        weight: 18,
        cost_permille: 740,
        trade: ["Stores", "Market", "Fashion", "Trading"],
        offerings: [
            "Omnichannel storefront",
            "Loyalty programme",
            "Store replenishment",
            "Price engine",
            "Returns portal",
            "Customer data hub",
        ],
    },
    Vertical {
        name: "Healthcare",
        weight: 16,
        cost_permille: 520,
        trade: ["Clinics", "Care", "Diagnostics", "Medical"],
        offerings: [
            "Patient portal",
            "Ward scheduling",
            "Lab results exchange",
            "Device integration",
            "Referral workflow",
            "Archive migration",
        ],
    },
    Vertical {
        name: "Energy",
        weight: 14,
        cost_permille: 590,
        trade: ["Grid", "Power", "Renewables", "Utilities"],
        offerings: [
            "Meter data management",
            "Outage map",
            "Asset inspection app",
            "Trading desk dashboard",
            "Wind park reporting",
            "Field crew dispatch",
        ],
    },
    Vertical {
        name: "Logistics",
        weight: 16,
        cost_permille: 810,
        trade: ["Freight", "Cargo", "Shipping", "Warehousing"],
        offerings: [
            "Warehouse analytics",
            "Route planning",
            "Customs clearance",
            "Yard management",
            "Carrier onboarding",
            "Proof of delivery app",
        ],
    },
    Vertical {
        name: "Public sector",
        weight: 12,
        cost_permille: 690,
        trade: ["Agency", "Council", "Services", "Registry"],
        offerings: [
            "Citizen portal",
            "Permit workflow",
            "Records digitisation",
            "Grant administration",
            "Open data catalogue",
            "Appointment booking",
        ],
    },
];

/// A country, its currency, its legal forms, its telephone prefix, its tax in per cent, its weight.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Country {
    pub(super) name: &'static str,
    pub(super) currency: &'static str,
    pub(super) form: &'static str,
    pub(super) top_level: &'static str,
    pub(super) phone: &'static str,
    /// Tax on what is sold there, in per cent; 0 where the client accounts for it.
    pub(super) tax: i64,
    pub(super) weight: i64,
}

pub(super) const COUNTRIES: [Country; 8] = [
    country("Germany", "EUR", "GmbH", "de", "+49", 19, 26),
    country("Austria", "EUR", "AG", "at", "+43", 20, 14),
    country("Netherlands", "EUR", "B.V.", "nl", "+31", 0, 8),
    country("France", "EUR", "SAS", "fr", "+33", 0, 8),
    country("Switzerland", "CHF", "AG", "ch", "+41", 0, 12),
    country("United Kingdom", "GBP", "Ltd", "co.uk", "+44", 0, 14),
    country("United States", "USD", "Inc.", "com", "+1", 0, 14),
    country("Ireland", "EUR", "Ltd", "ie", "+353", 0, 4),
];

const fn country(
    name: &'static str,
    currency: &'static str,
    form: &'static str,
    top_level: &'static str,
    phone: &'static str,
    tax: i64,
    weight: i64,
) -> Country {
    Country { name, currency, form, top_level, phone, tax, weight }
}

/// The country of this name.
pub(super) fn country_of(name: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.name == name)
}

/// The line of business of this name.
pub(super) fn vertical_of(name: &str) -> Option<&'static Vertical> {
    VERTICALS.iter().find(|vertical| vertical.name == name)
}

pub(super) const PLACES: [&str; 48] = [
    "Norden",
    "Alster",
    "Falken",
    "Birken",
    "Hafen",
    "Linden",
    "Tannen",
    "Weser",
    "Havel",
    "Isar",
    "Donau",
    "Rhein",
    "Alpen",
    "Jura",
    "Säntis",
    "Aare",
    "Zürichsee",
    "Gotthard",
    "Thames",
    "Severn",
    "Pennine",
    "Mersey",
    "Solent",
    "Cotswold",
    "Hudson",
    "Cascade",
    "Sierra",
    "Lakeside",
    "Redwood",
    "Granite",
    "Loire",
    "Garonne",
    "Vosges",
    "Camargue",
    "Maas",
    "Ijssel",
    "Veluwe",
    "Polder",
    "Shannon",
    "Liffey",
    "Kestrel",
    "Heron",
    "Beacon",
    "Summit",
    "Harbour",
    "Meridian",
    "Polaris",
    "Orion",
];

pub(super) const FIRST: [&str; 40] = [
    "Anna", "Jonas", "Clara", "Felix", "Marie", "Lukas", "Sophie", "Emil", "Laura", "Oskar", "Eva", "Paul", "Ida",
    "Max", "Nora", "Tim", "Olivia", "James", "Amelia", "Henry", "Grace", "Oliver", "Zoë", "Thomas", "Camille", "Hugo",
    "Léa", "Louis", "Sanne", "Daan", "Fleur", "Bram", "Aoife", "Liam", "Reto", "Urs", "Seraina", "Noah", "Priya",
    "José",
];

pub(super) const LAST: [&str; 40] = [
    "Müller",
    "Schneider",
    "Fischer",
    "Weber",
    "Wagner",
    "Becker",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Richter",
    "Gruber",
    "Huber",
    "Steiner",
    "Moser",
    "Hofer",
    "Leitner",
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Wilson",
    "Evans",
    "Walker",
    "O'Brien",
    "Murphy",
    "Kelly",
    "Martin",
    "Bernard",
    "Dubois",
    "Moreau",
    "Laurent",
    "de Vries",
    "Jansen",
    "Bakker",
    "Visser",
    "Keller",
    "Meier",
    "Frei",
    "Johnson",
    "Garcia",
];

pub(super) const JOB_TITLES: [&str; 8] = [
    "Chief Information Officer",
    "Head of Operations",
    "Procurement Manager",
    "IT Director",
    "Project Sponsor",
    "Finance Director",
    "Product Owner",
    "Managing Director",
];

/// Vendors: name, currency, input tax in per cent.
pub(super) const VENDORS: [(&str, &str, i64); 14] = [
    ("Kabelwerk Nord GmbH", "EUR", 19),
    ("Serverpark Wien AG", "EUR", 20),
    ("Freelance Pool Berlin", "EUR", 0),
    ("Contour Design Studio", "EUR", 19),
    ("Testwerk GmbH", "EUR", 19),
    ("Datacentre Dublin Ltd", "EUR", 0),
    ("Cloudline Inc.", "USD", 0),
    ("Sensorik Meyer KG", "EUR", 19),
    ("Albion Software Ltd", "GBP", 0),
    ("Montage Team Tirol", "EUR", 20),
    ("Übersetzungsbüro Klein", "EUR", 19),
    ("Pixel & Paper B.V.", "EUR", 0),
    ("Matterhorn Security AG", "CHF", 0),
    ("Pacific Licensing Corp.", "USD", 0),
];

/// What vendors bill and what is ordered from them.
pub(super) const SUPPLIES: [&str; 8] = [
    "Subcontracted development",
    "Test rig rental",
    "Sensors and gateways",
    "Cloud capacity",
    "Licences",
    "Security review",
    "Installation on site",
    "Translation",
];

/// What is sold, with article number and the lowest and highest day rate in whole units.
pub(super) const ARTICLES: [(&str, &str, i64, i64); 6] = [
    ("Analysis and design", "SRV-100", 980, 1_350),
    ("Implementation", "SRV-200", 920, 1_280),
    ("Integration", "SRV-300", 1_020, 1_420),
    ("Training", "SRV-400", 850, 1_150),
    ("Project management", "SRV-500", 1_050, 1_480),
    ("Rollout support", "SRV-600", 880, 1_200),
];

pub(super) const TASKS: [&str; 10] = [
    "Set up environments",
    "Describe interfaces",
    "Build import",
    "Build export",
    "Review of security",
    "Migrate master data",
    "Prepare training",
    "Write operating manual",
    "Load test",
    "Acceptance protocol",
];

pub(super) const INCIDENTS: [&str; 8] = [
    "Nightly import stops",
    "Login fails after update",
    "Reports show wrong totals",
    "Interface times out",
    "Duplicate records after restart",
    "Search returns nothing",
    "Mails are sent twice",
    "Data missing on dashboard",
];

pub(super) const CHANGES: [&str; 6] = [
    "Additional export format",
    "Second language",
    "Approval step for managers",
    "Single sign-on",
    "Mobile layout",
    "Longer retention of records",
];

pub(super) const QUESTIONS: [&str; 6] = [
    "How to add a user",
    "Explain the import report",
    "Reset of a password",
    "Change of the contact person",
    "Question on the invoice attachment",
    "Access for the auditor",
];

pub(super) const AMBER: [&str; 4] = [
    "Client has not named testers yet",
    "Interface description is late",
    "Hours run ahead of the plan",
    "Key person on leave until month's end",
];

pub(super) const RED: [&str; 4] = [
    "Acceptance refused, second round planned",
    "Budget exhausted before integration is done",
    "Critical incident in production",
    "Go-live moved twice",
];
