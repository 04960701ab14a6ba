// django-ironclad, MIT licence. Built from client/src by `npm run build`: do not edit.
import{useSyncExternalStore as n}from"react";var r=Object.freeze({status:"unknown",user:null,claims:null,refreshing:!1,degraded:!1,reason:""});var a=e=>n(e.subscribe,()=>e.state,()=>r);export{a as useAuth};
