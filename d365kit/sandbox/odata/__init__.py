"""What both services share of OData: filters, query options, values, metadata documents."""
