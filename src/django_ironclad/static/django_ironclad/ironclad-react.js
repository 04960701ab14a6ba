// django-ironclad, MIT licence. Built from client/src by `npm run build`: do not edit.
import{useSyncExternalStore as r}from"react";var e=Object.freeze({status:"unknown",user:null,claims:null,refreshing:!1,degraded:!1,reason:""});var u=t=>r(t.subscribe,()=>t.state,()=>e);export{u as useAuth};
