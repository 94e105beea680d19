//! Who asks, and what they may do. A handler that takes [`Authorized<P>`] cannot be reached without a key that has the
//! permission, and the tenant it works for is the key's: both are part of the handler's type.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use backtrail_domain::{ApiKeyId, Permission, TenantId};
use backtrail_store::{ApiKey, idempotency};

use crate::app::State;
use crate::problem::{Code, Problem};
use backtrail_store::Key;

/// A permission as a type.
pub(crate) trait Requires: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($name:ident,)+) => {$(
        #[doc = concat!("See [`Permission::", stringify!($name), "`].")]
        pub(crate) enum $name {}

        impl Requires for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

permissions! { BackupCreate, ServersRead, ServersWrite, ServersDelete, KeysManage, }

/// A request with a valid key that has the permission `P`.
pub(crate) struct Authorized<P> {
    /// Whose objects the request is about. Every query is made with it.
    pub(crate) tenant: TenantId,
    /// The key.
    pub(crate) key: ApiKeyId,
    /// What the key may do.
    pub(crate) permissions: Vec<Permission>,
    permission: PhantomData<P>,
}

/// What [`authenticate`] found. It only finds; refusing is the extractor's business, so that an unknown path is 404 for
/// everyone.
#[derive(Clone)]
enum Caller {
    Known(ApiKey),
    Unknown(&'static str),
}

/// The middleware that looks the key up.
pub(crate) async fn authenticate(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = match bearer(request.request()) {
        Err(reason) => Caller::Unknown(reason),
        Ok(key) => match ApiKey::authenticate(&state.store, &key.sha256()).await {
            Err(error) => return Ok(request.error_response(Problem::from(error))),
            Ok(Some(key)) => {
                tracing::Span::current().record("tenant", tracing::field::display(key.tenant_id));
                Caller::Known(key)
            }
            Ok(None) => Caller::Unknown("the API key is unknown, expired or revoked"),
        },
    };
    request.extensions_mut().insert(caller);
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn bearer(request: &HttpRequest) -> Result<Key, &'static str> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err("send your API key as `Authorization: Bearer bt_live_…`");
    };
    let header = header.to_str().map_err(|_| "the Authorization header cannot be read")?;
    let (scheme, key) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the Authorization header is not of the form `Bearer bt_live_…`");
    }
    Key::parse(key.trim()).ok_or("the API key is not of the form `bt_live_` and 32 hex digits")
}

/// Whose the request is, where it has a valid key.
pub(crate) fn caller(request: &HttpRequest) -> Option<idempotency::Caller> {
    match request.extensions().get::<Caller>() {
        Some(Caller::Known(key)) => Some(idempotency::Caller { tenant_id: key.tenant_id, api_key_id: key.id }),
        _ => None,
    }
}

impl<P: Requires> FromRequest for Authorized<P> {
    type Error = Problem;
    // Ready at once, so that it fails before any other extractor of the handler has looked at the request.
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.extensions().get::<Caller>() {
            Some(Caller::Known(key)) if key.permissions.contains(&P::PERMISSION) => Ok(Self {
                tenant: key.tenant_id,
                key: key.id,
                permissions: key.permissions.clone(),
                permission: PhantomData,
            }),
            Some(Caller::Known(_)) => Err(Problem::new(
                Code::PermissionMissing,
                format!("this operation needs the permission `{}`, which the API key does not have", P::PERMISSION),
            )),
            Some(Caller::Unknown(reason)) => Err(Problem::new(Code::Unauthorized, *reason)),
            None => Err(Problem::internal("a route without the authentication middleware")),
        })
    }
}
