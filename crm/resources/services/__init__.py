"""The services among the products, with how long they take and how they are booked."""
