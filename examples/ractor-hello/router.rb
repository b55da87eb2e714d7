# frozen_string_literal: true

# Finds which of an app's methods answers a request. It names methods rather than holding blocks, since a block takes
# along what it was written in; and it is frozen with all it holds, so that every ractor can use the same one.
class Router
  # Takes routes such as { "GET /fib/:n" => :fib }.
  def initialize(app, routes)
    @app = app
    @routes = routes.transform_keys { |route| pattern(*route.split) }
    Ractor.make_shareable(self)
  end

  # Calls the method with the env and the path's parts; nil when no route goes there.
  def call(env)
    request = "#{env["REQUEST_METHOD"]} #{env["PATH_INFO"]}"
    @routes.each do |pattern, name|
      match = pattern.match(request)
      return @app.public_send(name, env, *match.captures) if match
    end
    nil
  end

  private

  # HEAD asks for the head of what GET answers.
  def pattern(verb, path)
    verb = "(?:GET|HEAD)" if verb == "GET"
    /\A#{verb} #{path.gsub(/:\w+/, "([^/]+)")}\z/
  end
end
