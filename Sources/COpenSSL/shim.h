#pragma once
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/bio.h>

/* OpenSSL's function-like macros, which Swift cannot import. */
static inline int mt_ctx_min_protocol(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int mt_ctx_max_protocol(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_max_proto_version(ctx, version);
}
static inline long mt_set_host_name(SSL *ssl, const char *name) {
  return SSL_set_tlsext_host_name(ssl, name);
}
static inline void mt_ctx_refuse_renegotiation(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
}
/* An empty memory buffer means "not yet", never "the end". */
static inline void mt_bio_ask_again(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }
/* The session whose chain is being verified. */
static inline SSL *mt_verified_session(X509_STORE_CTX *store) {
  return X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
}
/* How the peer signed the handshake; 0 where it did not, or has not yet. */
static inline int mt_peer_signature_type(SSL *ssl) {
  int nid = 0;
  return SSL_get_peer_signature_type_nid(ssl, &nid) == 1 ? nid : 0;
}
static inline int mt_peer_signature_digest(SSL *ssl) {
  int nid = 0;
  return SSL_get_peer_signature_nid(ssl, &nid) == 1 ? nid : 0;
}
/* Bits of a certificate's signature. */
static inline int mt_signature_bits(const X509 *certificate) {
  const ASN1_BIT_STRING *signature = NULL;
  X509_get0_signature(&signature, NULL, certificate);
  return signature ? ASN1_STRING_length(signature) * 8 : 0;
}
/* The first common name of the subject; NULL where there is none. */
static inline const unsigned char *mt_common_name(X509 *certificate, int *length) {
  X509_NAME *subject = X509_get_subject_name(certificate);
  int index = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
  if (index < 0) return NULL;
  ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
  *length = ASN1_STRING_length(text);
  return ASN1_STRING_get0_data(text);
}
static inline void mt_set_owner(SSL *ssl, void *owner) { SSL_set_app_data(ssl, owner); }
static inline void *mt_owner(const SSL *ssl) { return SSL_get_app_data(ssl); }
static inline int mt_peer_group(SSL *ssl) { return (int)SSL_get_negotiated_group(ssl); }
static inline int mt_chain_count(SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  return chain ? sk_X509_num(chain) : 0;
}
/* Borrowed; NULL outside the chain. */
static inline X509 *mt_chain_at(SSL *ssl, int index) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  return chain && index < sk_X509_num(chain) ? sk_X509_value(chain, index) : NULL;
}
static inline GENERAL_NAMES *mt_alternative_names(X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int mt_names_count(GENERAL_NAMES *names) {
  return names ? sk_GENERAL_NAME_num(names) : 0;
}
/* The bytes of the DNS name at an index; NULL where the entry is of another kind. */
static inline const unsigned char *mt_dns_name(GENERAL_NAMES *names, int index, int *length) {
  GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  if (!name || name->type != GEN_DNS) return NULL;
  *length = ASN1_STRING_length(name->d.dNSName);
  return ASN1_STRING_get0_data(name->d.dNSName);
}

/* Asks the peer for an OCSP staple (RFC 6066). */
static inline void mt_request_staple(SSL *ssl) {
  SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
}
/* What the staple says: -1 none, 0 good, 1 revoked, 2 unknown, 3 unreadable. Its signature is not
   checked: it is shown, not relied upon. */
static inline int mt_staple_status(SSL *ssl) {
  const unsigned char *bytes = NULL;
  long length = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
  if (length <= 0 || bytes == NULL) return -1;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, length);
  if (!response) return 3;
  int status = 3;
  OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
  if (basic) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, 0);
    if (single) status = OCSP_single_get0_status(single, NULL, NULL, NULL, NULL);
    OCSP_BASICRESP_free(basic);
  }
  OCSP_RESPONSE_free(response);
  return status >= 0 && status <= 2 ? status : 3;
}
