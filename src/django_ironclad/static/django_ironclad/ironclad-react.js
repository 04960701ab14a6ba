// django-ironclad, MIT licence. Built from client/src by `npm run build`: do not edit.
import{useSyncExternalStore as r}from"react";var n=Object.freeze({status:"unknown",user:null,claims:null,refreshing:!1,degraded:!1,reason:""});var s=e=>r(e.subscribe,()=>e.state,()=>n);export{s as useAuth};
