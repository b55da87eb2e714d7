# frozen_string_literal: true

Rails.application.routes.draw do
  root "pages#index"
  %w[about stream page streamed report data fresh jar failing local where places xml verified].each do |name|
    get name, to: "pages##{name}"
  end
  post "greeting", to: "pages#greeting"
  %w[sum upload].each { |name| post name, to: "api##{name}" }
  get "up", to: "rails/health#show"
  get "items/:name", to: "pages#item"
  get "live/lines", to: "live#lines"
  get "live/events", to: "live#events"
end
