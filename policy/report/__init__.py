"""What people and programs read: texts and JSON made of the data of `policy.app`. Nothing here prints."""
