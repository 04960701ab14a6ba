// A token in local storage (angular-storage), sent with every request by an interceptor (angular-jwt).
(function () {
  "use strict";

  var TOKEN = "jwt";

  angular
    .module("campus", ["angular-jwt", "angular-storage"])
    .config(["$httpProvider", "jwtOptionsProvider", function ($httpProvider, jwtOptionsProvider) {
      jwtOptionsProvider.config({
        tokenGetter: ["store", function (store) {
          return store.get(TOKEN);
        }],
      });
      $httpProvider.interceptors.push("jwtInterceptor");
    }])
    .controller("CampusController", ["$http", "$scope", "$timeout", "$window", "jwtHelper", "store", CampusController]);

  function CampusController($http, $scope, $timeout, $window, jwtHelper, store) {
    var campus = this;
    campus.user = storedUser();
    campus.credentials = {};
    clear();

    campus.login = function () {
      // Not `.success`, which AngularJS 1.6 removed; and with an error branch, or AngularJS logs the request, password and all.
      $http.post("/api-token-auth/", campus.credentials, { skipAuthorization: true }).then(
        function (response) {
          store.set(TOKEN, response.data.token);
          campus.user = jwtHelper.decodeToken(response.data.token);
          campus.credentials = {};
          say("Welcome, " + campus.user.username + ".", "good");
          focus("token-title");
        },
        function (response) {
          var errors = response.data && response.data.non_field_errors;
          say((errors ? errors.join(" ") : "The server did not answer as expected.") + statusOf(response), "bad");
          focus("password");
        }
      );
    };

    campus.logout = function () {
      forget("You are logged out.", "good");
    };

    campus.call = function (path) {
      var before = campus.status;
      campus.status[path] = "…";
      $http.get(path).then(show, show);

      function show(response) {
        if (campus.status !== before && response.status !== 401) return; // it was for somebody who has left
        campus.status[path] = response.status > 0 ? response.status : "no answer";
        campus.answer = "GET " + path + " → " + campus.status[path] + "\n" + angular.toJson(response.data, 2);
      }
    };

    campus.toneOf = function (path) {
      return campus.status[path] === 200 ? "good" : campus.status[path] ? "bad" : "";
    };

    // angular-jwt's word for a 401.
    $scope.$on("unauthenticated", function () {
      if (campus.user) forget("The token is no longer good (401). Please log in again.", "bad");
    });

    /** Who the stored token says this is; decoded for display, verified by the server only. */
    function storedUser() {
      var token = store.get(TOKEN);
      try {
        return token && !jwtHelper.isTokenExpired(token) ? jwtHelper.decodeToken(token) : null;
      } catch (malformed) {
        return null;
      }
    }

    function clear() {
      campus.status = {};
      campus.answer = "Nothing called yet.";
    }

    function forget(message, tone) {
      store.remove(TOKEN);
      campus.user = null;
      clear();
      say(message, tone);
      focus("username");
    }

    function say(message, tone) {
      campus.message = message;
      campus.tone = tone;
    }

    function statusOf(response) {
      return " (" + (response.status > 0 ? response.status : "no answer") + ")";
    }

    function focus(id) {
      $timeout(function () {
        $window.document.getElementById(id).focus();
      });
    }
  }
})();
