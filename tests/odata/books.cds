// The books of the demo's company as an OData 4 service. Pages are small, so that most answers have several.
@path: '/odata/v4/books'
@requires: 'authenticated-user'
@cds.query.limit: { default: 40, max: 40 }
service Books {
  aspect Document {
    key ID : String(20);
    Number : String(20);
    Type : String(10);
    State : String(10);
    PartyCode : String(20);
    Party : String(200);
    Date : Date;
    Due : Date;
    Project : String(40);
    Currency : String(3);
    Tax : Decimal(19, 4);
    Total : Decimal(19, 4);
    Paid : Decimal(19, 4);
    TaxLocal : Decimal(19, 4);
    TotalLocal : Decimal(19, 4);
    PaidLocal : Decimal(19, 4);
  }
  aspect Line {
    key ID : String(30);
    Text : String(400);
    Net : Decimal(19, 4);
    NetLocal : Decimal(19, 4);
    Project : String(40);
  }
  @readonly entity Invoices : Document {
    Lines : Composition of many InvoiceLines on Lines.Invoice = $self;
    Payments : Composition of many Payments on Payments.Invoice = $self;
  }
  @readonly entity InvoiceLines : Line { Invoice : Association to Invoices; }
  @readonly entity Payments {
    key ID : String(30);
    Invoice : Association to Invoices;
    Number : String(20);
    Date : Date;
    Amount : Decimal(19, 4);
    AmountLocal : Decimal(19, 4);
  }
  @readonly entity Bills : Document {
    Lines : Composition of many BillLines on Lines.Bill = $self;
  }
  @readonly entity BillLines : Line { Bill : Association to Bills; }
  // SQLite adds up decimals as floating point numbers, so what is added up is whole cents.
  @readonly entity Costs {
    key ID : String(30);
    Project : String(40);
    Kind : String(10);
    State : String(10);
    Date : Date;
    Cents : Integer64;
    CentsLocal : Integer64;
    Currency : String(3);
    Text : String(400);
    Vendor : String(200);
    Document : String(20);
  }
}
