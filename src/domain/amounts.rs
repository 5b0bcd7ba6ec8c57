//! The amounts of a document, and how they are kept in little memory.

use rust_decimal::Decimal;

use super::{Booked, Currency, Money, Weigh};

/// The amounts of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Without tax.
    pub net: Booked,
    /// Tax.
    pub tax: Booked,
    /// With tax.
    pub total: Booked,
    /// Paid so far, of the total. Includes what credit notes settled, where the owner counts that as paid.
    pub paid: Booked,
    /// Still open, of the total.
    pub balance: Booked,
}

/// [`Amounts`] in little memory: documents come by the thousand, mostly in one currency and with amounts of few digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackedAmounts {
    document: OneCurrency,
    /// None where the owner keeps no such.
    company: Option<Box<OneCurrency>>,
}

/// Which of the amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Net,
    Tax,
    Total,
    Paid,
    Balance,
}

/// Something of each of the amounts.
type Five<T> = [T; 5];

/// The amounts of a document, all of them in the document's currency or all in the company's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OneCurrency {
    /// All in one currency, none of many digits.
    Short(Currency, Five<Short>),
    /// Any.
    Long(Box<Five<Option<Money>>>),
}

/// An amount of up to 17 digits, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Short(i64);

impl Short {
    const NONE: Self = Self(i64::MIN);
    /// Bits of the scale, which is 28 at most.
    const SCALE: u32 = 5;

    /// None if it has too many digits. A zero with a sign is no short one: the sign would be lost.
    fn of(amount: Decimal) -> Option<Self> {
        let amount = amount.unpack();
        let digits = (i64::from(amount.mid) << 32) | i64::from(amount.lo);
        if amount.hi > 0 || amount.mid >= 1 << 25 || (digits == 0 && amount.negative) {
            return None;
        }
        let digits = if amount.negative { -digits } else { digits };
        Some(Self((digits << Self::SCALE) | i64::from(amount.scale)))
    }

    fn amount(self) -> Option<Decimal> {
        if self == Self::NONE {
            return None;
        }
        let scale = u32::try_from(self.0 & ((1 << Self::SCALE) - 1)).ok()?;
        Decimal::try_new(self.0 >> Self::SCALE, scale).ok()
    }
}

impl Default for OneCurrency {
    fn default() -> Self {
        Self::Short(Currency::XXX, [Short::NONE; 5])
    }
}

impl OneCurrency {
    /// One side of the amounts; none if nothing is known of it.
    fn of(amounts: &Five<&Booked>, side: fn(&Booked) -> &Option<Money>) -> Option<Self> {
        let currency = amounts.iter().find_map(|booked| side(booked).as_ref())?.currency;
        let mut short = [Short::NONE; 5];
        for (short, booked) in short.iter_mut().zip(amounts) {
            let Some(money) = side(booked) else { continue };
            match Short::of(money.amount) {
                Some(amount) if money.currency == currency => *short = amount,
                _ => return Some(Self::Long(Box::new(amounts.map(|booked| *side(booked))))),
            }
        }
        Some(Self::Short(currency, short))
    }

    fn amount(&self, which: Which) -> Option<Money> {
        match self {
            Self::Short(currency, amounts) => Some(Money::new(pick(amounts, which).amount()?, *currency)),
            Self::Long(amounts) => pick(amounts, which),
        }
    }
}

fn pick<T: Copy>([net, tax, total, paid, balance]: &Five<T>, which: Which) -> T {
    *match which {
        Which::Net => net,
        Which::Tax => tax,
        Which::Total => total,
        Which::Paid => paid,
        Which::Balance => balance,
    }
}

impl From<Amounts> for PackedAmounts {
    fn from(Amounts { net, tax, total, paid, balance }: Amounts) -> Self {
        let all = [&net, &tax, &total, &paid, &balance];
        Self {
            document: OneCurrency::of(&all, |booked| &booked.document).unwrap_or_default(),
            company: OneCurrency::of(&all, |booked| &booked.company).map(Box::new),
        }
    }
}

impl PackedAmounts {
    pub(super) fn amount(&self, which: Which) -> Booked {
        let company = self.company.as_deref().and_then(|company| company.amount(which));
        Booked { document: self.document.amount(which), company }
    }
}

impl Weigh for PackedAmounts {
    fn heap_bytes(&self) -> usize {
        self.document.heap_bytes() + self.company.heap_bytes()
    }
}

impl Weigh for OneCurrency {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Short(..) => 0,
            Self::Long(amounts) => size_of_val(&**amounts) + super::weigh::PIECE,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money() -> impl Strategy<Value = Option<Money>> {
        let digits = prop_oneof![
            Just(0_i128),
            any::<i32>().prop_map(i128::from),
            (-(1_i128 << 58)..1 << 58),
            (-(1_i128 << 95)..1 << 95),
        ];
        let currency = prop_oneof![9 => Just(Currency::EUR), 1 => Just(Currency::USD)];
        proptest::option::weighted(0.8, (digits, 0_u32..=28, any::<bool>(), currency)).prop_map(|of| {
            let (digits, scale, minus, currency) = of?;
            let mut amount = Decimal::from_i128_with_scale(digits, scale);
            if digits == 0 {
                amount.set_sign_negative(minus);
            }
            Some(Money::new(amount, currency))
        })
    }

    /// As it is written, which tells also zeros and signs of zero.
    fn written(booked: Booked) -> String {
        [booked.document, booked.company]
            .map(|money| money.map(|money| format!("{:?}", (money.amount, money.currency))))
            .map(Option::unwrap_or_default)
            .join("|")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn amounts_are_kept_to_the_last_digit(
            document in proptest::array::uniform5(money()),
            company in proptest::option::of(proptest::array::uniform5(money())),
        ) {
            let company = company.unwrap_or_default();
            let booked = |at: usize| Booked { document: document[at], company: company[at] };
            let amounts =
                Amounts { net: booked(0), tax: booked(1), total: booked(2), paid: booked(3), balance: booked(4) };
            let packed = PackedAmounts::from(amounts);
            let all = [Which::Net, Which::Tax, Which::Total, Which::Paid, Which::Balance];
            for (at, which) in all.into_iter().enumerate() {
                prop_assert_eq!(written(packed.amount(which)), written(booked(at)));
            }
        }
    }

    #[test]
    fn amounts_as_they_mostly_are_take_little_memory() {
        assert!(size_of::<PackedAmounts>() <= 56, "{} bytes", size_of::<PackedAmounts>());
        let net = |digits| Booked::document(Money::new(Decimal::new(digits, 2), Currency::EUR));
        let heap_bytes = |digits| PackedAmounts::from(Amounts { net: net(digits), ..Amounts::default() }).heap_bytes();
        assert_eq!((heap_bytes(-(1 << 57) + 1), heap_bytes((1 << 57) - 1)), (0, 0));
        assert!(heap_bytes(1 << 57) > 0 && heap_bytes(-(1 << 57)) > 0);
        assert!(PackedAmounts::default().company.is_none());
    }
}
