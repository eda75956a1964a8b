// Package cohort negotiates permessage-deflate (RFC 7692) and compresses a state frame once for all who get it.
package cohort
